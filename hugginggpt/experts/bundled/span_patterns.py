"""Patterns of what questions ask for, by kind: dates and times, sums, numbers in digits and in words, addresses, reasons.

A pattern with a group ``x`` means that group alone; what stands around it is its context.
"""
# ruff: noqa: E501 - a pattern that is cut into lines can't be read

from collections.abc import Mapping
from typing import Final

MONTHS: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHORT_MONTHS: Final = f"{MONTHS}|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
_SMALL: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS: Final = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_WORD: Final = rf"(?:(?:{_SMALL}|{_TENS}|hundred|thousand|million|billion)\b)"  # "nine" is no part of "nineteen"
_PART: Final = r"(?:hal(?:f|ves)|thirds?|quarters?|fifths?|sixths?|eighths?|tenths?)"
_AND_PART: Final = rf"(?:\sand\s(?:an?|one|two|three|four)[\s-]{_PART})?"
_FRACTION: Final = rf"(?:\b(?:an?|one|two|three|four)[\s-]{_PART}|\bhalf|\d/\d|[¼½¾⅓⅔⅛])(?!\s(?:past|to)\b)"
_DIGITS: Final = r"\d[\d,]*(?:\.\d+)?(?:\s?[¼½¾⅓⅔⅛])?(?:\s(?:hundred|thousand|million|billion))?"
_IN_WORDS: Final = rf"\b(?:an?\s(?=hundred|thousand|million))?{_WORD}(?:[\s-](?:and\s)?{_WORD})*\b"
NUMBER: Final = (
    rf"(?:(?:\b(?:half\s)?a\s)?\bdozen\b|(?:{_DIGITS}|{_IN_WORDS}){_AND_PART}(?:\s(?:dozen|out of {_WORD}|out of \d+)\b)?)"
)
_QUANTITY: Final = (
    rf"(?:{_FRACTION}(?:\sof)?(?:\san?)?|{NUMBER}(?:\s(?:and a half))?|\b(?:a couple of|a few|several|an?)(?=\s))"
)
_TIME_UNIT: Final = r"(?:seconds?|minutes?|hours?|nights?|days?|weeks?|fortnights?|months?|years?|decades?|centur(?:y|ies))"
_UNIT: Final = (
    r"(?:%|percent|per cent|km/h|mph|km|kg|k?grams?|kilograms?|kilos?|pounds?|lbs?|ounces?|oz|stone|g|tonnes?|tons?|litres?|liters?|"
    r"ml|cl|mg|m|cm|mm|met(?:re|er)s?|centimet(?:re|er)s?|millimet(?:re|er)s?|kilomet(?:re|er)s?|miles?|yards?|feet|foot|ft|inch(?:es)?|"
    rf"cups?|(?:table|tea)?spoon(?:ful)?s?|pints?|gallons?|acres?|hectares?|{_TIME_UNIT}|degrees?|°\s?[CF]?|kwh|watts?|volts?|"
    r"[KMGT]B|square \w+)"
)
_PART_AFTER: Final = rf"\sand\s(?:an?|one|two|three)[\s-]{_PART}\b(?![\s-]{_UNIT}\b)|(?:(?<=foot)|(?<=feet)|(?<=stone))\s(?:{_SMALL})\b(?!\s{_UNIT}\b)"
"""The rest of "a kilo and a half" and "six foot two", after the unit."""
_MEASURE: Final = rf"{_QUANTITY}[\s-]?{_UNIT}(?:[\s-](?:and\s)?{_QUANTITY}\s{_UNIT}|{_PART_AFTER})?(?!\w)"
_CURRENCY: Final = r"(?:dollars?|euros?|pounds?|cents?|pence|yen|francs?|crowns?|rupees?|USD|EUR|GBP|CHF|quid)"
_HOUR: Final = rf"(?:{_SMALL}|noon|midnight|\d{{1,2}})"
_DAYTIME: Final = r"(?:\s(?:in the (?:morning|afternoon|evening)|at night|sharp|o['’]clock|[ap]\.?m\b\.?))?"
ORDINAL: Final = (
    r"(?:(?:twenty|thirty)[\s-])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|"
    r"fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth)"
)
_YEAR: Final = rf"(?:,?\s(?:\d{{4}}|(?:nineteen|twenty|two thousand)(?:[\s-](?:and\s)?{_WORD})*))?"
_DAY: Final = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"

PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {  # longer forms first: what overlaps an earlier match is dropped
    "date": (
        r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?Z?)?",
        rf"\bbetween\s\d{{1,2}}(?:st|nd|rd|th)?\sand\s\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?(?:{_SHORT_MONTHS})\b\.?(?:,?\s\d{{4}})?",
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?(?:{_SHORT_MONTHS})\b\.?(?:,?\s\d{{4}})?",
        rf"\b(?:{_SHORT_MONTHS})\b\.?\s\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s\d{{4}})?\b",
        rf"\b{ORDINAL}\sof\s(?:{MONTHS})\b{_YEAR}|\b(?:{MONTHS})\s(?:the\s)?{ORDINAL}\b{_YEAR}",
        r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b",
        rf"\b(?:first|second|third|fourth|last)\s{_DAY}\s(?:in|of)\s(?:{MONTHS}|the month|each month|every month)\b",
        rf"\b(?:{MONTHS})(?:\s\d{{4}})?\b",
        rf"\b(?:(?:about|around|just (?:after|before)|shortly (?:after|before))\s)?"
        rf"(?:(?:an?\s)?quarter|half|(?:{_SMALL}|{_TENS}|(?<![:.\d])\d{{1,2}})(?:[\s-](?:{_SMALL}))?(?:\sminutes?)?)\s(?:past|to)\s{_HOUR}\b(?![:.]\d){_DAYTIME}",
        r"\b\d{1,2}(?:[:.]\d\d)?\s?[ap]\.?m\b\.?",
        r"\b\d{1,2}:\d\d(?::\d\d)?\b",
        rf"\b{_HOUR}\s(?:o['’]clock|in the (?:morning|afternoon|evening)|at night)",
        rf"\b(?:at|by|until|till|before|after|from)\s(?P<x>{_HOUR})(?=\s?(?:[.,;!?]|$|(?:on|every|sharp|tomorrow|tonight|today|and)\b))",
        r"\b(?:1[0-9]|20)\d\d\b",
        rf"\b(?:(?:next|last|every|this)\s)?{_DAY}s?(?:\s(?:morning|evening|afternoon|night))?(?:\sto\s{_DAY})?\b",
        rf"\b(?:{_QUANTITY}\s{_TIME_UNIT}\s(?:ago|ahead|later|earlier|(?:before|after)(?:\s(?:the\s)?(?!(?:I|he|she|it|they|we|you|the|that|this|and|which|who)\b)\w+(?:\stime)?)?))\b",
        rf"\bwithin\s{_QUANTITY}\s{_TIME_UNIT}\b",
        r"\b(?:yesterday|tomorrow|today|tonight|noon|midnight|(?:last|next)\s(?:week|month|year|spring|summer|autumn|winter|night))\b",
        r"\b(?:in\s)?(?:(?:early|late|mid)[\s-])?(?:spring|summer|autumn|winter)\b",
    ),
    "frequency": (
        rf"\bevery\s(?:{NUMBER}\s)?{_TIME_UNIT}\b|\b(?:once|twice|{NUMBER} times)\san?\s{_TIME_UNIT}\b",
        rf"\b(?:daily|weekly|monthly|yearly|hourly|always|never|on {_DAY}s)\b",
    ),
    "money": (
        r"(?:[$€£¥]|EUR|USD|GBP|CHF)\s?\d[\d,.]*\d?(?:\s(?:thousand|million|billion))?",
        rf"{NUMBER}\s{_CURRENCY}(?:\sand\s{NUMBER}(?:\s{_CURRENCY})?)?\b(?!\s(?:of|heavy)\b)",
        r"\d[\d.,]*\s?€",
    ),
    "percent": (rf"{NUMBER}\s?(?:%|percent\b|per cent\b)",),
    "fraction": (
        rf"{NUMBER}\s?(?:%|percent\b|per cent\b)|\b(?:{_WORD}|\d+)\s(?:out of|in)\s(?:{_WORD}|\d+)\b|{_FRACTION}|\bevery {ORDINAL}\b",
    ),
    "age": (
        rf"{NUMBER}[\s-](?:years?|months?|weeks?|days?)(?:[\s-]old)?\b",
        rf"\baged?\s(?P<x>{NUMBER})",
        rf"(?:\b(?:is|was|are|were|am|turned|turns|be)|['’]s)\s(?:now\s|only\s|just\s|nearly\s|almost\s)?(?P<x>{NUMBER})"
        rf"(?=\s?(?:[.,;!?)]|$|(?:when|and|years?|now|today|this|last|then)\b))",
        rf"[,(]\s(?P<x>{NUMBER})(?=[,)])",
    ),
    "measure": (_MEASURE,),
    "number": (_MEASURE, rf"\b{_WORD}\sout of\s{_WORD}\b|{NUMBER}"),
    "email": (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",),
    "url": (r"\b(?:https?://|www\.)[^\s,;<>\"”)]+[^\s.,;<>\"”):!?]", r"\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|de|uk|eu|io|info|example)\b(?:/\S*)?"),
    "phone": (r"(?<![\w.,-])(?:\+|\(0|0)[\d(][\d\s()/-]{5,18}\d\b", r"\b\d{3,5}[\s-]\d{3,4}(?:[\s-]\d{3,4})?\b"),
    "address": (
        r"\b\d{1,5}[a-z]?,?\s(?:[A-Z][\w'’-]*\s){1,3}?(?:Street|St|Road|Rd|Lane|Ln|Close|Way|Hill|Avenue|Ave|Drive|Square|Court|Place|"
        r"Gardens?|Row|Terrace|Park|Quay|House|Boulevard|Crescent|Alley|Yard|Walk)\b\.?(?:,\s[A-Z][\w'-]*(?:\s[A-Z\d][\w'-]*){0,3})*",
        r"\b[A-Z]\w+(?:straße|strasse|weg|gasse|platz)\s\d+\b",
    ),
    "colour": (
        r"\b(?:(?:dark|light|pale|bright|deep|navy|sky)[\s-])?(?:red|green|blue|yellow|orange|purple|violet|pink|brown|black|white|gr[ea]y|"
        r"silver|golden|gold|beige|turquoise|cream|maroon|scarlet|crimson|striped)\b(?:\sand\s\w+(?<=red|een|lue|low|nge|ple|ink|own|ack|ite|rey|ray))?",
    ),
    "material": (
        r"\bmade (?:out )?(?:of|from)\s(?P<x>[\w-]+(?:\s(?!and\b|with\b|for\b|by\b|in\b|that\b|which\b)[\w-]+){0,2}(?:\sand\s[\w-]+(?=[.,;]))?)",
        r"\b(?:oak|pine|beech|walnut|wood(?:en)?|brass|bronze|copper|iron|steel|metal|alumini?um|glass|plastic|leather|wool(?:len)?|cotton|"
        r"linen|silk|paper|cardboard|stone|marble|granite|concrete|brick|clay|ceramic|porcelain|rubber|silver|gold(?:en)?)\b",
    ),
    "reason": (
        r"\b(?:because(?: of)?|since(?! (?:\d|last|then|\w+day\b))|due to|owing to|thanks to|on account of|so that|in order to|for fear of)\s[^.;!?]+",
        r"^(?P<x>(?:as|since|because)\s(?!\d|last|then|\w+day\b|soon|long|far|well)[^,.;!?]*\b(?:is|are|was|were|has|have|had|can|could|can['’]t|couldn['’]t|will|would|did|do|does)\b[^,.;!?]*),",
        r",\s(?P<x>(?:as|for)\s(?:the|it|he|she|they|we|there|a|an|no|this)\s[^.;!?]+)",
        r"\b(?P<x>to\s(?:keep|make|avoid|prevent|save|protect|get|let|stop|help|give|allow|reduce|raise|be|have|celebrate|show|thank)\s[^.;!?,]+)",
        r"\b(?:after|in|following)\s(?:(?:an?|the)\s)?(?:\w+\s)?(?:fire|flood|storm|accident|strike|collision|illness|injury|leak|pipe|breakdown|failure|"
        r"power cut|crash|collapse|explosion|earthquake|landslide|snowfall|rain|burglary|theft|break-in|complaints?|outbreak|dispute)\b(?:\s(?:with|of|in|at|by|on|among)\s[^,.;!?]+)?",
    ),
    "failure": (
        r"\b(?:ERROR|FATAL|CRITICAL|SEVERE|PANIC)\b[\]:\s-]*(?P<x>\S.*)",
        r"\b(?:fatal|error|panic|exception):\s*(?P<x>\S.*)",
        r"^(?:Exception in thread \"[^\"]*\"\s)?(?P<x>[\w.]*(?:Error|Exception)\b(?: \[\w+\])?:?.*?)(?=\s+at\s[\w.<>$]+\s?\(|$)",
    ),
    "warning": (r"\bwarn(?:ing)?\b[\]:\s-]*(?P<x>\S.*)",),
    "file": (r"(?:[\w.~-]*/)*[\w-]+\.[A-Za-z][A-Za-z0-9]{0,4}\b(?!\.\w)",),
    "code": (r"\b[A-Z]{0,6}[-/ ]?\d[\dA-Z]*(?:[-/.](?:\d[\dA-Z]*|[A-Z]{1,3}\b))*(?: \d{2,})*\b",),
}  # fmt: skip
CASED: Final = frozenset({"date", "code", "address"})
"""Kinds whose patterns heed case: else "may" is a month and "no 7" a code."""
