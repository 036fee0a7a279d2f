"""Uses the generated client as a miner's script would: pool, blocks, a refusal, login, a token, what the token reads."""

import json
import sys

from pool_client import AuthenticatedClient, Client
from pool_client.api.account import get_me, get_me_blocks, post_me_tokens, post_session
from pool_client.api.pool import get_blocks, get_blocks_height, get_pool
from pool_client.models import PostMeTokensBody, PostSessionBody

url, name, password = sys.argv[1:4]
with Client(base_url=url) as visitor:
    pool = get_pool.sync(client=visitor)
    blocks = get_blocks.sync(client=visitor, limit=2)
    older = get_blocks.sync(client=visitor, limit=2, before=blocks.next_)
    nothing = get_blocks_height.sync_detailed(1, client=visitor)
    wrong = post_session.sync_detailed(client=visitor, body=PostSessionBody(name=name, password="no"))
    post_session.sync(client=visitor, body=PostSessionBody(name=name, password=password))
    made = post_me_tokens.sync(client=visitor, body=PostMeTokensBody(name="script", password=password))
with AuthenticatedClient(base_url=url, token=made.token) as script:
    me = get_me.sync(client=script)
    mine = get_me_blocks.sync(client=script, limit=3)

print(
    json.dumps(
        {
            "pool": pool.name,
            "heights": [block.height for block in [*blocks.blocks, *older.blocks]],
            "nothing": [nothing.status_code, nothing.parsed.error.code],
            "wrong": [wrong.status_code, wrong.parsed.error.code],
            "me": me.name,
            "owed": me.owed,
            "workers": sorted(worker.name for worker in me.workers),
            "mine": [block.height for block in mine.blocks],
        }
    )
)
