"""A blog in a process of its own to which a complaint is added at every reading, until there are as many as asked for."""

import asyncio
import sys

from aiohttp import web


async def main(posts: int) -> None:
    written = 1

    async def feed(_: web.Request) -> web.Response:
        nonlocal written
        items = "".join(
            f"<item><guid>p{n}</guid><link>http://127.0.0.1/p{n}</link><title>Post {n}</title>"
            f"<description>Acme Air cancelled flight {n} and nobody answers. The charger caught fire. {' .' * 400}</description></item>"
            for n in range(written)[::-1]
        )
        written = min(written + 2, posts)
        return web.Response(text=f"<rss><channel>{items}</channel></rss>", content_type="application/rss+xml")

    app = web.Application()
    app.router.add_get("/feed", feed)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
