# SPDX-License-Identifier: Apache-2.0
"""A mail host for tests, of Debian's python3-aiosmtpd. What it plays: smtp.sh."""
import argparse
import asyncio
import logging
import pathlib
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("folder", type=pathlib.Path)
arguments.add_argument("--tls", choices=["start", "implicit", "none"], default="start")
arguments.add_argument("--login", action="store_true")
arguments.add_argument("--greeting-after", type=float, default=0)
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--mails-max", type=int, default=1_000_000)
options = arguments.parse_args()
seen = set()
connections = 0
taken = 0


def part(address):
    return address.split("@")[0]


async def end(server):
    server.transport.abort()
    await asyncio.sleep(3600)  # ended by the connection's loss


class Host(SMTP):
    def connection_made(self, transport):
        global connections
        if self.transport is None:  # else it is the same one, inside TLS
            connections += 1
            self.number = connections
            self.mails = 0
        super().connection_made(transport)

    async def _handle_client(self):
        await asyncio.sleep(options.greeting_after)
        await super()._handle_client()

    async def smtp_DATA(self, arg):
        played = part(self.envelope.rcpt_tos[0]) if self.envelope.rcpt_tos else ""
        if played not in ("cut-in", "stuck"):
            return await super().smtp_DATA(arg)
        await self.push("354 go on")
        await self._reader.read(1000)
        if played == "cut-in":
            await end(self)
        self.transport.pause_reading()
        await asyncio.sleep(3600)


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        server.mails += 1
        if server.mails > options.mails_max:
            await server.push("421 4.7.0 enough for one connection")
            await end(server)
        if part(address) == "nobody":
            return "553 5.7.1 not your sender"
        if part(address) == "throttled":
            return "454 4.7.0 maximum sending rate exceeded"
        envelope.mail_from = address
        return "250 2.1.0 fine"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        played = part(address)
        if played == "cut-before":
            await end(server)
        if played == "grey" and address not in seen:
            seen.add(address)
            return "451 4.7.1 greylisted, come again"
        refusals = {
            "unknown": "550 5.1.1 no such mailbox",
            "policy": "550 5.7.1 not from you",
            "full": "452 4.2.2 mailbox full",
        }
        if played in refusals:
            return refusals[played]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        global taken
        played = part(envelope.rcpt_tos[0])
        if played == "busy":
            return "451 4.3.0 too busy"
        if played == "spam":
            return "554 5.7.1 looks like spam"
        taken += 1
        name = f"{taken}.eml"
        (options.folder / name).write_bytes(envelope.original_content)
        user = session.auth_data.decode() if session.authenticated else "-"
        tls = "TLS" if session.ssl or options.tls == "implicit" else "plain"
        line = [str(server.number), envelope.mail_from, envelope.rcpt_tos[0], user, tls, name]
        with open(options.folder / "log", "a", encoding="utf-8") as log:
            log.write("\t".join(line) + "\n")
        if played == "cut-after":
            await end(server)
        if played == "silent":
            await asyncio.sleep(3600)
        if played == "slow":
            await asyncio.sleep(3)
        return f"250 2.0.0 taken as {taken}"


def log_in(server, session, envelope, mechanism, data):
    good = data.login == b"ann" and data.password == b"sesame"
    return AuthResult(success=good, handled=False, auth_data=data.login)


def protocol():
    return Host(
        Handler(),
        hostname="localhost",
        tls_context=context if options.tls == "start" else None,
        require_starttls=options.tls == "start",
        auth_required=options.login,
        auth_require_tls=options.tls == "start",
        authenticator=log_in,
    )


async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    server = await loop.create_server(protocol, "127.0.0.1", options.port, ssl=context if options.tls == "implicit" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


logging.disable()  # of connections that end in mid-word, as they should
warnings.simplefilter("ignore")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
if options.tls != "none":
    context.load_cert_chain(options.folder / "cert.pem", options.folder / "key.pem")
asyncio.run(main())
