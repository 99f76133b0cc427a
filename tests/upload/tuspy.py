"""Uploads a file by tuspy in chunks with checksums, resumed once, and prints the upload's address.

In: the endpoint, the credential, the file. Out: the address.
"""

import os
import sys

from tusclient import client

endpoint, token, path = sys.argv[1:4]
headers = {"Authorization": f"Bearer {token}"}
options = {
    "chunk_size": 1 << 20,
    "metadata": {"filename": os.path.basename(path)},
    "upload_checksum": True,
}
first = client.TusClient(endpoint, headers=headers).uploader(path, **options)
first.upload_chunk()
second = client.TusClient(endpoint, headers=headers).uploader(path, url=first.url, **options)
assert second.offset == 1 << 20, second.offset
second.upload()
print(second.url)
