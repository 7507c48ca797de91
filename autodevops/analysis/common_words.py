"""Words that stand in most programs and most errors, so that an edit and a failure have them in common by chance."""

from __future__ import annotations

from typing import Final

_WORDS: Final = """
    account address after app append apps array async await because before body boolean break buffer bytes cannot
    class client close closed cmd code codes com common config connect connection const content context continue
    core could count create created data database debug default delete double downstream duration during err error
    errors event events exceeded exception exist exists failed fails failure false fetch field fields final first
    float format found function get github golang google group handle handler header headers http http.error https
    httpstatus import index input insert integer internal invalid item items json length level lib libs limit list
    load main memory message method millisecond milliseconds minute minutes missing module name names none null
    number object option options order org other output package panic param params parse pkg point pointer print
    printf println private process processing public query queue range rate reading record records reference request
    requestid requests response result results return returned returns runtime second seconds select self server
    service set spanid src start started static status statusbadgateway statusbadrequest statuscode
    statusinternalservererror stopped stream string table test tests text there this time timeout times topic total
    traceid true type types unable undefined update upstream userid users utils value values vendor version warning
    where which while worker write writes www
"""
COMMON: Final = frozenset(_WORDS.split())

_STOPPED: Final = """
    a about above after again all also an and any are as at be been before below but by can could did do does done
    for from get got had has have here how if in into is it its just let may more most new no nor not now of off old on
    one only or other our out over own per put set should so some still such take than that the their them then there
    these they this those to too under until up use used was we were what when where which while who why will with
    without would yet you your
"""
STOPPED: Final = frozenset(_STOPPED.split())
"""Words of English that tell nothing of any matter."""
