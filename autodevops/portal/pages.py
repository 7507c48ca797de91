"""The portal's pages that need no kernel: to log in, and to be told that it is full. They load nothing, run nothing."""

from __future__ import annotations

from html import escape

LOGIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_STYLE = """
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --line: #d0d5dc; --text: #1b1f26; --dim: #5a6372;
  --accent: #3f54d1; --on: #fff; --bad: #c4302b; }
@media (prefers-color-scheme: dark) { :root { --bg: #121419; --card: #1a1d24; --line: #3a404c; --text: #e7eaef;
  --dim: #a3abb8; --accent: #8b9aff; --on: #10131c; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 16px; background: var(--bg);
  color: var(--text); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: min(380px, 100%); padding: 28px; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; }
h1 { margin: 0 0 4px; font-size: 19px; } p { margin: 0 0 18px; color: var(--dim); } .bad { color: var(--bad); }
label { display: block; margin-bottom: 6px; font-weight: 600; }
input { width: 100%; padding: 9px 11px; font: inherit; color: inherit; background: var(--bg);
  border: 1px solid var(--line); border-radius: 7px; }
button, a.button { display: block; width: 100%; margin-top: 14px; padding: 9px; font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; color: var(--on);
  background: var(--accent); border: 0; border-radius: 7px; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
"""


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)} · Auto-DevOps</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )


def login_page(xsrf: str | bytes, *, wrong: bool, password: bool) -> str:
    what = "Password" if password else "Token"
    printed = "It is in the address that <code>autodevops portal</code> printed."
    hint = "The one its owner gave you." if password else printed
    field = xsrf.decode() if isinstance(xsrf, bytes) else xsrf
    said = f'<p class="bad" role="alert">That is not the {what.lower()}. Try again.</p>' if wrong else f"<p>{hint}</p>"
    return _page(
        "Log in",
        f'<h1>Log in</h1>{said}<form method="post">{field}<label for="secret">{what}</label>'
        '<input id="secret" name="password" type="password" autocomplete="current-password" autofocus required>'
        '<button type="submit">Log in</button></form>',
    )


def full_page(limit: int) -> str:
    pages = "page is" if limit == 1 else "pages are"
    return _page(
        "Full",
        f"<h1>The portal is full</h1><p>{limit} {pages} open, which is as many as it takes. Close one, or come back"
        " in a few minutes: pages that nobody uses are ended by themselves. Whoever runs it can raise"
        ' <code>--max-kernels</code>.</p><a class="button" href="">Try again</a>',
    )


def error_page(title: str, message: str, next_step: str, *, framed: bool = False) -> str:
    """`framed` is shown within the portal, from where nothing leads there."""
    way = "" if framed else '<a class="button" href="/">To the portal</a>'
    return _page(title, f"<h1>{escape(title)}</h1><p>{escape(message)} {escape(next_step)}</p>{way}")
