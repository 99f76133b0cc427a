# Thin: the work is in scripts/. `make demo` and `make test` do all set-up themselves.
.PHONY: demo test check build edge web setup bench-edge bench-live bench-vod
.DEFAULT_GOAL := build

demo: ## build everything and watch a live test pattern
	@scripts/demo.sh

test: ## every test, then how many passed
	@scripts/test.sh

check: ## formatting, lints, the rules of the house, licences
	@scripts/check.sh

build: setup ## the binary with all it embeds, unoptimised
	@scripts/build.sh debug

edge: ## the edge for WebAssembly hosts
	@scripts/edge.sh

web: setup ## the pages
	@scripts/web.sh

setup: ## what a fresh machine lacks to build
	@scripts/setup.sh demo

bench-edge: ## our edge beside nginx, one worker each: a table
	@scripts/bench-edge.sh

bench-live: ## the live origin in figures, beside nginx-rtmp and ffmpeg: a table
	@scripts/bench-live.sh

bench-vod: ## films from uploads in figures, beside ffmpeg and nginx: a table
	@scripts/bench-vod.sh
