"""The words by which outreach/checks.py knows English, promises, requests and leaks."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# The commonest words of English: a text of a few sentences is full of them.
ENGLISH = _set(
    "a about after all an and any are as at be been before but by can come could do for from get"
    " glad good had has have help here how if in is it know let like little make may me miss missed"
    " more much no not of on or our out please see so some something that the their there this time"
    " to us was we welcome were what when which while who will with would you your"
)
# Capitals that are no names: months and days, how letters begin and end.
NOT_NAMES = _set(
    "i i'm i've i'd i'll dear hello hi kind best warm warmest regards sincerely yours thanks thank"
    " you your our the we customer team care support service january february march april may june"
    " july august september october november december monday tuesday wednesday thursday friday"
    " saturday sunday"
)
PARTICLES = _set("van von de da del der den di du dos la le bin al el ten ter zu")
GREETINGS = _set("dear hello hi hey greetings")
AMOUNTS = (
    r"percent|per cent|dollars?|euros?|pounds?|usd|eur|gbp|cents?|bucks|discounts?|vouchers?"
    r"|coupons?|cash\w*|refund\w*|credits?|gift ?cards?|price[sd]?|free|gratis|half|double|triple"
    r"|twice|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundred\w*|thousand\w*|million\w*|billion\w*|bitcoin|crypto\w*"
)
PROMISES = (
    r"guarante\w*|promis\w*|entitle\w*|compensat\w*|reimburs\w*|waive\w*|forever|lifetime"
    r"|for life|never again|always be|on us|no cost|at no charge|without charge|complimentary"
    r"|winner|won|prize|lottery|jackpot|bonus|reward\w*|upgrade\w*|exempt\w*|legally|liab\w*|sue"
    r"|lawsuit|contractual\w*|unlimited|we (?:will|shall) (?:give|pay|send|double|cancel|extend)"
    r"|we'll (?:give|pay|send|double|cancel|extend)"
)
REQUESTS = (
    r"passwords?|passcodes?|pin|cvv|iban|ssn|social security|account numbers?|card (?:numbers?"
    r"|details)|credit cards?|bank\w*|log ?-?in|sign in|verify|verification|confirm your"
    r"|click|tap here|download|install|attach\w*|open the|scan|qr|whatsapp|telegram|skype|signal"
    r"|phone|call me|call us|text me|transfer|wire|pay|payment|invoice|urgent\w*|immediately"
    r"|suspend\w*|terminat\w*|blocked|delet\w*|expire\w*|street|avenue|road|suite|apartment"
)
ABUSE = (
    r"idiot\w*|stupid\w*|fool\w*|hate\w*|kill\w*|die|dead|damn\w*|hell|ugly|loser\w*|pathetic"
    r"|worthless|shut up|curse\w*|sex\w*|drugs?|weapon\w*|bomb\w*|threat\w*|fraud\w*|scam\w*"
    r"|illegal\w*|leave us|cancel your|go to a competitor|competitors?|switch to"
)
LEAKS = (
    r"prompts?|instructions?|json|schema|system message|language model|as an ai|ai model|chatbot"
    r"|assistant|openai|ollama|llama\w*|gpt\w*|developer mode|jailbreak\w*|pwned|hacked|injected"
    r"|injection|override|overridden|placeholder|variables?|reason codes?|risk score|churn\w*"
    r"|database|sql|drop table|select|script|exec\w*|eval|curl|sudo|root|admin\w*|token|api key"
)
