"""Hints for whoever approves a sentence that is not one of the company's.

Such a sentence is marked whatever it says (outreach/letters.py); a doubt only says why it should be
read with care. No list of words is complete, so a sentence without a doubt may still be a bad one.
The words are English; letters in another language get no doubts from here. Snowflake imports this
file. Standard library only.
"""

import re
import unicodedata

OWN_WORDS = "not one of the company's sentences"
NOT_READ = "the second reading gave no answer"
ANOTHER_DOUBT = "a doubt that is not on its list"  # of the second reading
_SPELT = re.compile(r"(?:\b\w[ .\-_]){4}|(\w)\1{3}")  # l-i-k-e t-h-i-s, and soooo


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# The commonest words of English: a text of a few sentences is full of them.
_ENGLISH = _set(
    "a about after all an and any are as at be been before but by can come could do for from get"
    " glad good had has have help here how if in is it know let like little make may me miss missed"
    " more much no not of on or our out please see so some something that the their there this time"
    " to us was we welcome were what when which while who will with would you your"
)
# Capitals that are no names: months and days, how letters begin and end.
_NOT_NAMES = _set(
    "i i'm i've i'd i'll dear hello hi kind best warm warmest regards sincerely yours thanks thank"
    " you your our the we customer team care support service january february march april may june"
    " july august september october november december monday tuesday wednesday thursday friday"
    " saturday sunday christmas easter"
)
_AMOUNTS = (
    r"percent|per cent|dollars?|euros?|pounds?|usd|eur|gbp|cents?|bucks|discounts?|vouchers?"
    r"|coupons?|cash\w*|refund\w*|credits?|gift ?cards?|price[sd]?|free|gratis|half|double|triple"
    r"|twice|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundred\w*|thousand\w*|million\w*|billion\w*|bitcoin|crypto\w*"
)
_PROMISES = (
    r"guarante\w*|promis\w*|entitle\w*|compensat\w*|reimburs\w*|waive\w*|forever|lifetime"
    r"|for life|never again|always be|on us|no cost|at no charge|without charge|complimentary"
    r"|winner|won|prize|lottery|jackpot|bonus|reward\w*|upgrade\w*|exempt\w*|legally|liab\w*|sue"
    r"|lawsuit|contractual\w*|unlimited|we (?:will|shall) (?:give|pay|send|double|cancel|extend)"
    r"|we'll (?:give|pay|send|double|cancel|extend)"
)
_REQUESTS = (
    r"passwords?|passcodes?|pin|cvv|iban|ssn|social security|account numbers?|card (?:numbers?"
    r"|details)|credit cards?|bank\w*|log ?-?in|sign in|verify|verification|confirm your"
    r"|click|tap here|download|install|attach\w*|open the|scan|qr|whatsapp|telegram|skype|signal"
    r"|phone|call me|call us|text me|transfer|wire|pay|payment|invoice|urgent\w*|immediately"
    r"|suspend\w*|terminat\w*|blocked|delet\w*|expire\w*|street|avenue|road|suite|apartment"
)
_ABUSE = (
    r"idiot\w*|stupid\w*|fool\w*|hate\w*|kill\w*|die|dead|damn\w*|hell|ugly|loser\w*|pathetic"
    r"|worthless|shut up|curse\w*|sex\w*|drugs?|weapon\w*|bomb\w*|threat\w*|fraud\w*|scam\w*"
    r"|illegal\w*|leave us|cancel your|go to a competitor|competitors?|switch to"
)
_MAKING = (
    r"prompts?|instructions?|json|schema|system message|language model|as an ai|ai model|chatbot"
    r"|assistant|openai|ollama|llama\w*|gpt\w*|developer mode|jailbreak\w*|pwned|hacked|injected"
    r"|injection|override|overridden|placeholder|variables?|reason codes?|risk score|churn\w*"
    r"|database|sql|drop table|select|script|exec\w*|eval|curl|sudo|root|admin\w*|token|api key"
)

_PRIVATE = (
    r"pregnan\w*|ill(?:ness)?|sick\w*|health\w*|doctors?|disease\w*|depress\w*|divorc\w*|widow\w*"
    r"|wife|husband|child(?:ren)?|baby|famil\w*|job|salary|debts?|owe[sd]?|overdue|unpaid|score"
    r"|religio\w*|church|god|vote\w*|party|gay|lesbian|race|nationality|watch(?:ed|ing)|track(?:ed"
    r"|ing)|stolen|leaked"
)
_WEB = (
    r"website|web ?sites?|webpages?|web|urls?|links?|online|internet|dot|page called|search for"
    r"|at \w+ \.|\w+ \. (?:com|net|org|shop|io|de|co)"
)
# What the second reading may say, beside what is found here: the rubric, by the codes of its reply.
RUBRIC = {
    "amount": "mentions money or a discount",
    "promise": "promises something",
    "request": "asks for something",
    "link": "points to a website, an address or a number",
    "private": "mentions health, family, work, debts or beliefs",
    "person": "names somebody",
    "unfriendly": "is unfriendly or threatening",
    "making": "mentions how the letter was written",
    "language": "is in another language",
    "offer": "withdraws or changes the offer, or offers something else",
    "untrue": "states something that the reasons do not say",
}
_SAID = {**RUBRIC, "spelt": "has words that are spelt oddly"}
_WORDS = {
    "amount": _AMOUNTS,
    "promise": _PROMISES,
    "request": _REQUESTS,
    "link": _WEB,
    "private": _PRIVATE,
    "unfriendly": _ABUSE,
    "making": _MAKING,
}
_IN_NAMES = "|".join(
    [*_WORDS.values(), "account|money|send|today|now|closed?|call|buy|order|gift|iphone|visit"]
)


def doubts_about(text: str, company: str = "") -> list[str]:
    """Return why a text of somebody's own words should be read with care, a few words for each.

    `company` are the company's sentences: where they are in another language, nothing is found.
    """
    # What reads alike is compared alike: typographic quotes, composed letters.
    plain = unicodedata.normalize("NFKC", text).replace("’", "'")
    if company and _share_of_english(company) < 0.2:
        return []
    found = [code for code, words in _WORDS.items() if _has(words, plain)]
    if _SPELT.search(plain):
        found.append("spelt")
    if _names_somebody(plain):
        found.append("person")
    if len(_words(plain)) >= 5 and _share_of_english(plain) < 0.15:
        found.append("language")
    return [_SAID[code] for code in found]


def reads_like_a_message(name: str) -> bool:
    """Tell whether two or more words of a name are words of letters: `Your Account Closed`."""
    known = [word in _ENGLISH or _has(_IN_NAMES, word) for word in _words(name)]
    return sum(known) >= 2


def _has(words: str, text: str) -> bool:
    return bool(re.search(rf"\b(?:{words})\b", text, re.IGNORECASE))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower())


def _share_of_english(text: str) -> float:
    words = _words(text)
    return sum(word in _ENGLISH for word in words) / max(len(words), 1)


def _names_somebody(text: str) -> bool:
    """Tell whether a word has a capital where English has none."""
    inside = re.findall(r"(?<![.!?:\n] )(?<!^)\b[^\W\d_]['’\w]*", text)
    return any(word[0].isupper() and word.lower() not in _NOT_NAMES for word in inside)
