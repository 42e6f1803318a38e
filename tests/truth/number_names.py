"""Writes number_names.json: a hash of the names of twenty thousand numbers in three languages, by num2words 0.5.14.

    pip install num2words==0.5.14 && python3 tests/truth/number_names.py > tests/truth/number_names.json
"""
import json

from num2words import num2words

# All below ten thousand, and then one in 97, which is prime: every beginning with some end.
NUMBERS = [*range(10_000), *range(10_000, 1_000_000, 97)]


def name(number, language):
    name = num2words(number, lang=language)
    if language == "en":
        # As in America.
        return name.replace(" and ", " ").replace(",", "")
    # num2words has "einhunderteinstausend", where German has "ein" before "tausend".
    return name.replace("einstausend", "eintausend") if language == "de" else name


def fnv1a(language):
    hash = 0xCBF29CE484222325
    for number in NUMBERS:
        for byte in f"{name(number, language)}\n".encode():
            hash = (hash ^ byte) * 0x100000001B3 % 2**64
    return f"{hash:016x}"


hashes = {
    called: fnv1a(language)
    for called, language in [("english", "en"), ("french", "fr"), ("german", "de")]
}
print(json.dumps({"source": "num2words 0.5.14, by number_names.py", "names": len(NUMBERS), "fnv1a": hashes}, indent=1))
