"""Made-up people: names, addresses and regions for events that have none of their own."""

import random
from typing import Any

REGIONS = ("north", "east", "south", "west")
CONSENT_SHARE = 0.85  # of all customers, who take marketing messages

_GIVEN = (
    *("Ada", "Amir", "Anna", "Ben", "Carla", "Chen", "Dana", "Diego", "Elif", "Emil", "Fatou"),
    *("Goran", "Grace", "Hana", "Hugo", "Ines", "Ivo", "Jonas", "Kofi", "Lea", "Liam", "Mara"),
    *("Mei", "Nadia", "Noah", "Olga", "Omar", "Paula", "Rafael", "Ravi", "Sara", "Tomas", "Yuki"),
)
_FAMILY = (
    *("Abel", "Bauer", "Berg", "Costa", "Demir", "Diaz", "Dubois", "Eriksen", "Fischer", "Garcia"),
    *("Haas", "Ito", "Jensen", "Kaya", "Keller", "Kowalski", "Lang", "Lopez", "Mensah", "Moreau"),
    *("Nagy", "Novak", "Okafor", "Park", "Patel", "Rossi", "Santos", "Silva", "Weber", "Yilmaz"),
)
# Reserved for documentation: no message to them can reach anybody.
_DOMAINS = ("example.com", "example.net", "example.org")


def made_up_person(chance: random.Random, customer_id: str, segment: str) -> dict[str, Any]:
    """Return the properties of a `profile_updated` event, without a monthly value."""
    given, family = chance.choice(_GIVEN), chance.choice(_FAMILY)
    return {
        "name": f"{given} {family}",
        "email": f"{given}.{family}.{customer_id}@{chance.choice(_DOMAINS)}".lower(),
        "region": chance.choice(REGIONS),
        "segment": segment,
        "marketing_consent": chance.random() < CONSENT_SHARE,
    }
