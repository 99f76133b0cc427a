//! Never two owners, whatever happens to nodes, their clocks and their messages.

use proptest::prelude::*;

use super::*;

const LASTS_MS: i64 = 1000;
/// Clocks of nodes run wrong by a tenth at most, and owners count on four fifths.
const COUNTS_US: u64 = 800_000;
const NODES: [&str; 3] = ["a", "b", "c"];

/// What happens next. Times are in milliseconds.
#[derive(Debug, Clone)]
enum Step {
    /// Time goes by everywhere, and messages come.
    Wait(u16),
    /// A node asks. Its message comes to the database after a while, the answer to the node after another one, or
    /// never: the network is slow or cut, or the node stands still. Messages overtake one another.
    Ask { node: usize, what: What, there: u16, back: Option<u16> },
    /// The process is gone, and another one begins under the node's name.
    Restart { node: usize },
}

#[derive(Debug, Clone, Copy)]
enum What {
    Claim { takes_over: bool },
    Renew,
    GiveBack,
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0..NODES.len();
    let delay = || prop_oneof![0_u16..50, 0_u16..2500];
    let what = prop_oneof![
        any::<bool>().prop_map(|takes_over| What::Claim { takes_over }),
        any::<bool>().prop_map(|takes_over| What::Claim { takes_over }),
        Just(What::Renew),
        Just(What::Renew),
        Just(What::GiveBack),
    ];
    let ask = (node(), what, delay(), prop::option::weighted(0.9, delay()));
    prop_oneof![
        4 => delay().prop_map(Step::Wait),
        9 => ask.prop_map(|(node, what, there, back)| Step::Ask { node, what, there, back }),
        1 => node().prop_map(|node| Step::Restart { node }),
    ]
}

/// A node: its clock, and what it believes.
struct Node {
    /// How fast its clock runs, in thousandths.
    rate: u64,
    own: Option<(i64, Tenure)>,
    /// Of its claims the last one's answer counts, as in the house: one claims at a time, who gives up waiting never
    /// hears, and no answer outlives the process.
    asked: u32,
}

/// On its way to the database, or back.
#[derive(Clone)]
struct Message {
    due_ms: u64,
    node: usize,
    asked_us: u64,
    says: Says,
}

#[derive(Clone)]
enum Says {
    Ask { what: What, asked: u32, epoch: i64, back: Option<u16> },
    Claimed(u32, Claimed),
    Renewed(i64, Renewed),
}

struct World {
    now_ms: u64,
    lease: Lease,
    nodes: Vec<Node>,
    epochs: Vec<i64>,
    under_way: Vec<Message>,
}

impl World {
    fn clock_us(&self, node: usize) -> u64 {
        // Each began at another time.
        (node as u64 + 1) * 77_000_000 + self.now_ms * self.nodes[node].rate
    }

    /// Time goes by in small steps, and everybody is looked at in each.
    fn wait(&mut self, ms: u16) {
        for _ in 0..=ms / 7 {
            self.now_ms += 7;
            let (come, rest) = std::mem::take(&mut self.under_way)
                .into_iter()
                .partition(|message| message.due_ms <= self.now_ms);
            self.under_way = rest;
            let come: Vec<Message> = come;
            for message in come {
                self.come(message);
                self.check();
            }
            self.check();
        }
    }

    fn holds(&mut self, node: usize) -> bool {
        let now_us = self.clock_us(node);
        self.nodes[node].own.as_mut().is_some_and(|(_, own)| own.holds(now_us))
    }

    fn check(&mut self) {
        let owners: Vec<usize> = (0..NODES.len()).filter(|node| self.holds(*node)).collect();
        assert!(owners.len() <= 1, "{owners:?} at {} of {:?}", self.now_ms, self.lease);
        // Who believes that it has it, is who the database says has it.
        for node in owners {
            let stands =
                self.lease.node == NODES[node] && self.lease.expires_at_ms > self.database_ms();
            assert!(stands, "{node} at {} of {:?}", self.now_ms, self.lease);
        }
    }

    fn database_ms(&self) -> i64 {
        i64::try_from(self.now_ms).unwrap()
    }

    fn send(&mut self, node: usize, what: What, there: u16, back: Option<u16>) {
        let asked_us = self.clock_us(node);
        let epoch = match what {
            // As the house does: who has it, does not ask for it.
            What::Claim { .. } if self.holds(node) => return,
            What::Claim { .. } => {
                self.nodes[node].asked += 1;
                0
            }
            What::Renew => match &self.nodes[node].own {
                Some((epoch, _)) => *epoch,
                None => return,
            },
            // It is lost here first, and given back then.
            What::GiveBack => match self.nodes[node].own.take() {
                Some((epoch, _)) => epoch,
                None => return,
            },
        };
        let due_ms = self.now_ms + u64::from(there);
        let says = Says::Ask { what, asked: self.nodes[node].asked, epoch, back };
        self.under_way.push(Message { due_ms, node, asked_us, says });
    }

    fn come(&mut self, message: Message) {
        let Message { node, asked_us, says, .. } = message;
        let now_ms = self.database_ms();
        match says {
            Says::Ask { what, asked, epoch, back } => {
                let says = match what {
                    What::Claim { takes_over } => {
                        let claimed = self.lease.claim(NODES[node], takes_over, now_ms, LASTS_MS);
                        if let Claimed::Granted(epoch) = claimed {
                            assert!(self.epochs.last().is_none_or(|last| *last < epoch));
                            self.epochs.push(epoch);
                        }
                        Says::Claimed(asked, claimed)
                    }
                    What::Renew => {
                        Says::Renewed(epoch, self.lease.renew(NODES[node], epoch, now_ms, LASTS_MS))
                    }
                    What::GiveBack => return self.lease.give_back(NODES[node], epoch),
                };
                if let Some(back) = back {
                    let due_ms = self.now_ms + u64::from(back);
                    self.under_way.push(Message { due_ms, node, asked_us, says });
                }
            }
            Says::Claimed(asked, Claimed::Granted(epoch)) => {
                let newer = self.nodes[node].own.as_ref().is_none_or(|(own, _)| *own < epoch);
                if newer && asked == self.nodes[node].asked && !self.holds(node) {
                    let tenure = Tenure::new(asked_us, Some(COUNTS_US));
                    self.nodes[node].own = Some((epoch, tenure));
                }
            }
            Says::Claimed(_, Claimed::Wait | Claimed::Taken) => {}
            Says::Renewed(epoch, renewed) => {
                let own = self.nodes[node].own.as_mut().filter(|(own, _)| *own == epoch);
                match (own, renewed) {
                    (Some((_, own)), Renewed::Kept) => own.renewed(asked_us),
                    (Some((_, own)), Renewed::Lost) => own.lose(),
                    (Some(_), Renewed::Wanted) => self.send(node, What::GiveBack, 0, None),
                    (None, _) => {}
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1024, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn there_are_never_two_owners(
        rates in prop::collection::vec(900_u64..=1100, NODES.len()),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let nodes = rates.into_iter().map(|rate| Node { rate, own: None, asked: 0 }).collect();
        let (lease, epochs, under_way) = (Lease::default(), Vec::new(), Vec::new());
        let mut world = World { now_ms: 1, lease, nodes, epochs, under_way };
        for step in steps {
            match step {
                Step::Wait(ms) => world.wait(ms),
                Step::Ask { node, what, there, back } => world.send(node, what, there, back),
                Step::Restart { node } => {
                    world.nodes[node].own = None;
                    world.nodes[node].asked += 1;
                }
            }
            world.check();
        }
        world.wait(10_000);
    }
}

#[test]
fn an_owner_that_is_wanted_lets_go_and_the_other_gets_it() {
    let mut lease = Lease::default();
    assert_eq!(lease.claim("a", false, 1, 1000), Claimed::Granted(1));
    assert_eq!(lease.claim("b", false, 2, 1000), Claimed::Taken);
    assert_eq!(lease.renew("a", 1, 3, 1000), Renewed::Kept);
    assert_eq!(lease.claim("b", true, 4, 1000), Claimed::Wait);
    assert_eq!(lease.renew("a", 1, 5, 1000), Renewed::Wanted);
    lease.give_back("a", 1);
    assert_eq!(lease.claim("b", true, 6, 1000), Claimed::Granted(2));
    assert_eq!(lease.renew("a", 1, 7, 1000), Renewed::Lost);
}

#[test]
fn a_dead_owners_lease_is_its_own_at_once_and_anothers_in_time() {
    let mut lease = Lease::default();
    lease.claim("a", false, 1, 1000);
    assert_eq!(lease.claim("a", false, 2, 1000), Claimed::Granted(2));
    assert_eq!(lease.claim("b", false, 1001, 1000), Claimed::Taken);
    assert_eq!(lease.claim("b", false, 1002, 1000), Claimed::Granted(3));
}

#[test]
fn a_node_that_is_alone_never_loses_by_time() {
    let mut alone = Tenure::new(5, None);
    assert!(alone.holds(u64::MAX));
    alone.lose();
    assert!(!alone.holds(6));
}
