"""Which language a text is in, and whether it is one that is judged. Pure.

What the post's source states goes first. Otherwise the small words of each language vote: short posts have little else
in common, and a vote is quick. Where nobody votes it is taken for English, unless its letters are not Latin.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from listener.triage.remembered import Remembered

JUDGED = ("en", "es", "fr", "de", "pt", "it")
READ = 600  # characters
_WORD = re.compile(r"[^\W\d_]+")
_TELLING: Mapping[str, str] = {
    "en": "the and to of is in it you that was for on are with they this have my your not i me we at be what so "
    "but just our no get been had when from an how do did can will would there has all why still after up "
    "out now please thanks",
    "es": "el la los las que de y en un una es por con no para se lo mi su pero como más está esta este me te "
    "ya muy qué hay del al les nos son ser tengo desde hace cuando sin todo porque también gracias mas "
    "servicio han llevo sois nada",
    "fr": "le la les des que de et en un une est pour pas dans sur ce qui je vous il ne au du avec plus mais "
    "c'est mon ma mes votre nous on sont été très bien merci j'ai depuis cette tout aux ça sans rien même "
    "fait être chez encore jamais",
    "de": "der die das und ich nicht ist ein eine zu mit es auf den von für dem sich auch so wie aber im noch "
    "bei nur wird sie was hat mir wir seit war haben ihr dass kein keine mein euch bin wenn immer nach "
    "schon danke mal über sind werden doch",
    "pt": "o a os as que de e em um uma é por com não para se do da no na mas como mais eu está isso me te já "
    "muito foi tem ao dos das meu minha vocês você pra são ser sem até quando nem obrigado obrigada nada "
    "tá também mesmo só esse essa há",
    "it": "il la le gli che di e in un una è per con non si lo mi ma come più sono questo questa io ho del "
    "della dei al alla ha nel da anche se ci grazie hanno perché mio mia molto quando ancora tutto niente "
    "solo dopo sempre senza vostro siete c'è",
    "nl": "de het een en van ik is niet dat in te op je zijn met voor maar er die wel ook aan als nog bij heb "
    "mijn geen wat naar jullie wordt waarom al deze dit hebben om wij kan",
    "sv": "och att det är jag inte på för en som med av den till har ni vi men så om från nu ett mig min kan "
    "var när ska hur er",
    "da": "og at det er jeg ikke på for en som med af den til har vi men så om fra nu et mig min kan var når "
    "skal hvor jeres",
    "no": "og at det er jeg ikke på for en som med av den til har dere vi men så om fra nå et meg min kan var "
    "når skal hvor",
    "pl": "nie to się na jest że do co jak ale za mam od już tak po czy tylko dla mnie jestem są może bardzo "
    "dlaczego wam przez",
    "tr": "bir ve bu de da için çok ne ama mi var yok ben gibi daha sonra kadar hala neden ile değil mı sizin "
    "en o şu her",
    "id": "yang dan di ini itu tidak saya ada untuk dengan ke dari bisa sudah kenapa aku gak nya apa juga lagi "
    "sama mau kok",
    "fi": "ja on ei että se en oli ole mutta kun niin nyt minun mitä ovat vain kuin hyvin teidän miksi jos tämä",
    "cs": "a je se na že to v s z do jsem ale jak si po tak už co mi jsou pro od nebo proč má by za není",
    "ro": "și nu că în este la pe cu de am o un ce mai din pentru dar sunt a fost nici care vă bine mea",
    "hu": "a az és nem hogy is egy van de meg ez már csak ha mert még mi volt nagyon köszönöm",
    "tl": "ang ng sa na mga hindi ako ko po lang naman kayo ba yung pa din niyo wala kasi",
}
Vote = tuple[str, float]  # the language a word speaks for, and how loudly
REMEMBERED = 50_000  # words, with the marks around them


class Votes:
    """The small words of each language. What the words between two blanks vote for is remembered."""

    def __init__(self, words: Mapping[str, Vote] | None = None):
        get = (words or {}).get
        self._parts: Remembered[tuple[Vote, ...]] = Remembered(
            lambda part: tuple([vote for word in _WORD.findall(part) if (vote := get(word))]), REMEMBERED
        )

    def of(self, low: str) -> Iterator[Vote]:
        return chain.from_iterable(map(self._parts.__getitem__, low.split()))


def votes(learned: Mapping[str, str]) -> Votes:
    """The small words above, and those of the judged languages that training has found."""
    found: dict[str, tuple[str, float]] = {}
    for lang, words in [*_TELLING.items(), *learned.items()]:
        for word in words.split():
            before, _ = found.get(word, (lang, 0.0))
            judged = lang if lang in JUDGED else before
            found[word] = (
                (lang, 1.0) if before == lang else (judged, 0.4 if lang in JUDGED and before in JUDGED else 0.8)
            )
    return Votes(found)


# letters that English does not have tell as much as a word
_LETTERS: Mapping[str, str] = {
    **dict.fromkeys("ñ¿¡", "es"), "ß": "de", **dict.fromkeys("ãõ", "pt"), "œ": "fr", **dict.fromkeys("ùò", "it"),
    **dict.fromkeys("ışğ", "tr"), **dict.fromkeys("łąę", "pl"), **dict.fromkeys("őű", "hu"),
    **dict.fromkeys("řěů", "cs"), **dict.fromkeys("ță", "ro"), **dict.fromkeys("øæ", "da"), "å": "sv",
}  # fmt: skip
_ODD = re.compile(f"[{''.join(_LETTERS)}]")
_BEYOND = re.compile(r"[^\W\d_\0-\u024f]")


_PLAINLY = (" the ", " is ", " and ", " my ", " you ", " was ", " have ", " for ", " that ", " this ", " with ", " on ")


def language(stated: str, text: str, known: Votes) -> tuple[str, bool]:
    """The language, or what can be said of it, and whether it is judged."""
    tag = stated.lower().partition("-")[0]
    if tag and tag != "und":
        return tag, tag in JUDGED
    if text.isascii() and sum(word in text for word in _PLAINLY) > 2:  # most posts
        return "en", True
    found = guess(text[:READ], known)
    return found, found in JUDGED


def guess(text: str, known: Votes) -> str:
    low = text.lower()
    if not low.isascii() and _foreign(low):
        return "not in Latin letters"
    said: dict[str, float] = {}
    for lang, share in known.of(low):
        said[lang] = said.get(lang, 0.0) + share
    if not low.isascii():
        for letter in _ODD.findall(low):
            said[_LETTERS[letter]] = said.get(_LETTERS[letter], 0.0) + 1
    english = said.pop("en", 0.0)
    if not said:
        return "en"
    best, most = max(said.items(), key=lambda one: one[1])
    # a stray "de" or "la" makes no French; English is what most posts are
    return best if most > english + (0.2 if best in JUDGED else 1.9) else "en"


def _foreign(low: str) -> bool:
    if not _BEYOND.search(low):  # it has quotes, dashes or pictures, as most texts beyond ASCII
        return False
    letters = [character for character in low if character.isalpha()]
    return sum(character > "\u024f" for character in letters) > len(letters) / 2


SMALL_WORDS = frozenset(word for words in _TELLING.values() for word in words.split())  # of all those languages
