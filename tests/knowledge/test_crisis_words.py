"""The words of danger in the real knowledge: whoever is in danger sees the numbers, everyday questions do not."""

from __future__ import annotations

import pytest

from flows.core.knowledge import Knowledge
from flows.core.search import find

DANGER = {
    "de": {
        "crisis.violence": (
            "mein Mann schlägt mich",
            "Mein mann hat mich gestern wieder geschlagen ich hab angst",
            "mein ex sagt er bringt mich um wenn ich gehe",
            "Er bedroht mich mit Messer",
            "ich hab so angst vor meinem freund",
            "meine Eltern zwingen mich zu heiraten",
            "Er sperrt mich ein und nimmt mein Handy",
            "ich wurde vergewaltigt",
            "mein bruder droht mir weil ich kein kopftuch trage",
            "er würgt mich wenn er trinkt",
            "Gibt es hier ein Frauenhaus?",
        ),
        "crisis.suicide": (
            "ich will nicht mehr leben",
            "Ich möchte sterben",
            "ich bring mich um",
            "es wäre besser ohne mich",
            "ich denke an Selbstmort",
            "Mein Leben hat keinen Sinn mehr",
            "ich will einschlafen und nie wieder aufwachen",
            "meine Tochter ritzt sich",
            "mein freund sagt er will sich was antun",
            "ich hab ganz viele Tabletten genommen",
        ),
        "crisis.child": (
            "der Nachbar schlägt seine Kinder",
            "Ein Kind wird nebenan geschlagen",
            "mein vater schlägt mich und ich bin 13",
            "Die Kinder nebenan sind nachts allein, kein Erwachsener da",
            "Kind bekommt nichts zu essen bei der Mutter",
            "ich habe mein kind geschlagen und schäme mich so",
            "Jemand hat meine Tochter angefasst",
            "Verdacht auf Kindesmissbrauch",
        ),
        "crisis.homeless": (
            "ich weiß nicht wo ich heute nacht schlafen soll",
            "wir haben keinen Platz zum schlafen",
            "Mein Vermieter hat mich rausgeschmissen",
            "ich schlafe seit drei tagen auf der straße",
            "bin obdachlos was tun",
            "er hat das Schloss ausgetauscht ich komme nicht rein",
            "Wir schlafen im Auto mit Baby",
            "Notunterkunft Magdeburg",
        ),
    },
    "en": {
        "crisis.violence": (
            "my husband hits me",
            "he beat me last night",
            "He said he will kill me if I leave",
            "im scared of my husband",
            "My parents are forcing me to marry my cousin",
            "he locked me in the flat and took my phone",
            "i was raped",
            "my ex is stalking me",
            "my wife beats me",
            "he threatened me with a knife",
        ),
        "crisis.suicide": (
            "I want to kill myself",
            "i dont want to live anymore",
            "I wish I was dead",
            "there is no reason to live",
            "they would be better off without me",
            "my friend is suicidal",
            "i just wanna die",
            "I keep cutting myself",
            "took too many pills",
        ),
        "crisis.child": (
            "my neighbour beats his kids",
            "the child next door is being hit every night",
            "my dad hits me",
            "she leaves her kids alone all night",
            "someone touched my daughter",
            "I hit my child and I'm ashamed",
            "how to report child abuse",
            "they don't feed the children",
        ),
        "crisis.homeless": (
            "I have nowhere to sleep tonight",
            "my landlord kicked me out tonight",
            "no place to sleep with my kids",
            "we are sleeping in our car",
            "I'm homeless",
            "my boyfriend threw me out",
            "is there an emergency shelter",
            "I've been sleeping on the streets",
        ),
    },
    "ar": {
        "crisis.violence": (
            "زوجي يضربني",
            "جوزي عم يضربني كل يوم",
            "ضربني زوجي أمام الأولاد",
            "طليقي بيهددني",
            "قال رح يقتلني إذا طلعت",
            "بدهم يزوجوني غصب عني",
            "خايفة من زوجي كتير",
            "حابسني بالبيت وأخذ موبايلي",
            "تعرضت للاغتصاب",
            "ريلي يضربني ويهددني",
            "أتعرض لعنف منزلي",
        ),
        "crisis.suicide": (
            "بدي موت",
            "ما بدي عيش أكتر",
            "لا أريد أن أعيش بعد الآن",
            "أفكر بالانتحار",
            "تعبت من الحياة وبدي أموت",
            "يا ريتني ميتة",
            "أريد أن أقتل نفسي",
            "رفيقي بدو ينتحر",
            "بنتي عم تجرح حالها",
            "اخدت حبوب كتير",
        ),
        "crisis.child": (
            "جارنا بيضرب ولاده",
            "زوجي يضرب الأولاد",
            "أبي يضربني",
            "في ولاد صغار لحالهم بالبيت طول الليل",
            "حدا تحرش ببنتي",
            "ضربت ابني وندمانة",
            "الطفل في خطر",
            "ما عم تطعمي ولادها",
        ),
        "crisis.homeless": (
            "ما عندي مكان نام الليلة",
            "وين بدي نام اليوم أنا وولادي",
            "صاحب البيت طردني",
            "نايم بالشارع من يومين",
            "أنا بلا مأوى",
            "عم نام بالسيارة",
            "زوجي طردني من البيت",
            "ليس لدي مكان أنام فيه",
        ),
    },
    "uk": {
        "crisis.violence": (
            "мене б'є чоловік",
            "чоловік побив мене вчора",
            "він погрожує вбити мене",
            "боюся свого чоловіка",
            "муж бьет меня при детях",
            "бывший угрожает зарезать",
            "батьки хочуть видати мене заміж насильно",
            "замкнув мене вдома і забрав телефон",
            "мене зґвалтували",
            "домашнє насильство",
        ),
        "crisis.suicide": (
            "не хочу більше жити",
            "хочу померти",
            "думаю про самогубство",
            "не хочу жить",
            "покончить с собой",
            "немає сенсу жити далі",
            "без мене всім буде краще",
            "дочка ріже собі руки",
            "син каже що вб'є себе",
            "нет сил жить",
        ),
        "crisis.child": (
            "сусіди б'ють дитину",
            "чоловік б'є дітей",
            "тато мене б'є",
            "малі діти самі вдома цілими днями",
            "соседка не кормит детей",
            "хтось чіпав мою доньку",
            "я вдарила дитину і мені соромно",
            "дитина в небезпеці",
        ),
        "crisis.homeless": (
            "ніде ночувати",
            "нам сьогодні ніде спати з дитиною",
            "господар вигнав нас з квартири",
            "негде переночевать",
            "сплю на вокзалі",
            "ми на вулиці",
            "поміняли замок, не можу потрапити додому",
            "ночуємо в машині",
        ),
    },
}

EVERYDAY = {
    "de": (
        "Wo ist der Notausgang?",
        "Was ist der Selbstbehalt?",
        "Das Jobcenter macht mich fertig",
        "ich bringe meinen Sohn um 8 zur Schule",
        "mein Mann schlägt vor, dass wir umziehen",
        "um wie viel Uhr schlägt die Kirchenglocke",
        "die Sitzung wurde geschlagen",
        "Wohnung finden in Magdeburg",
        "mein Handy ist tot",
        "Das Nachbarskind schreit den ganzen Tag, was kann ich gegen den Lärm tun?",
        "ich halte den Lärm nicht mehr aus",
        "ich kann nachts nicht schlafen weil es so laut ist",
        "Der Vermieter droht mit Kündigung",
        "Meine Möbel stehen auf der Straße, wann kommt der Sperrmüll?",
        "ich weiß nicht wohin mit den alten Batterien",
        "mein Sohn prügelt sich in der Schule",
        "Der Hund vom Nachbarn ist den ganzen Tag allein",
        "Darf ich mein Kind allein zur Schule gehen lassen?",
        "Ich kann nicht mehr zum Termin kommen",
        "ich habe mich ausgesperrt",
        "mein Chef hat mir gekündigt",
        "Mein Baby hat die ganze Nacht geschrien und die Nachbarn beschweren sich",
        "wo kann ich Kleidung spenden",
        "Sterbeurkunde beantragen",
    ),
    "en": (
        "my phone is dead",
        "how do I beat eggs",
        "noise from the neighbour's child",
        "I'm dying to see the sea",
        "where do I throw away old knives",
        "I can't take it anymore, the music is so loud",
        "I can't sleep because of the noise",
        "looking for a flat in Magdeburg",
        "my child does not wake up in time for school",
        "can my son stay home alone after school",
        "the Jobcenter is threatening to cut my money",
        "the landlord wants me to pay more rent",
        "my bike hit a car",
        "how far is it, 5 kms from the station?",
        "my daughter is missing two days of school",
        "where can I leave furniture on the street",
        "I cut my finger, which doctor",
        "the deadline kills me",
        "my son hits other children at kindergarten",
    ),
    "ar": (
        "ما بقدر نام من صوت الجيران",
        "ابني لا يريد الذهاب إلى المدرسة",
        "بدي دور على بيت للإيجار",
        "كيف أضرب موعد مع الجوب سنتر",
        "الضرائب في ألمانيا",
        "ضريبة الكلب كم",
        "ميت من التعب اليوم وين الصيدلية",
        "طفل الجيران يبكي كل الليل وأنا ما بقدر نام",
        "تلفوني ميت وين بصلحه",
        "وين بكب الكنبة القديمة",
        "طردوني من الشغل شو حقوقي",
        "صاحب البيت يهددني برفع الإيجار",
        "هل يستطيع طفلي أن يمشي لحاله عالمدرسة",
        "وفاة والدي وشهادة الوفاة",
        "أين أجد ملعب للأطفال في الشارع",
        "بدي موعد بمكتب الأجانب",
        "أريد تعلم الألمانية",
    ),
    "uk": (
        "сусідська дитина голосно плаче вночі",
        "не можу спати через шум",
        "шукаю квартиру в Магдебурзі",
        "телефон помер де відремонтувати",
        "у мене повістка що робити",
        "годинник б'є дванадцяту",
        "орендодавець погрожує підвищити оренду",
        "джобцентр мене дістав",
        "чи можна залишати дитину саму вдома",
        "меблі стоять на вулиці коли заберуть",
        "бездомні собаки у дворі",
        "де жити дешевше в магдебурзі",
        "не хочу вчитися онлайн",
        "чоловік пропонує переїхати",
        "звільнили з роботи що далі",
        "дети шумят на улице вечером",
        "как найти работу",
    ),
}


def cases(table: dict[str, dict[str, tuple[str, ...]]]) -> list[tuple[str, str, str]]:
    return [
        (lang, article, said) for lang, by in table.items() for article, all_said in by.items() for said in all_said
    ]


@pytest.mark.parametrize(("language", "article", "said"), cases(DANGER))
def test_whoever_writes_of_danger_gets_the_right_numbers(knowledge: Knowledge, language: str, article: str, said: str):
    finding = find(knowledge, said, language)
    assert finding.decision == "crisis"
    assert article in [hit.article for hit in finding.hits][:2]


@pytest.mark.parametrize(
    ("language", "said"), [(language, said) for language, all_said in EVERYDAY.items() for said in all_said]
)
def test_everyday_questions_are_no_alarm(knowledge: Knowledge, language: str, said: str):
    assert find(knowledge, said, language).decision != "crisis"


def test_danger_is_understood_whatever_language_the_menu_has(knowledge: Knowledge):
    assert find(knowledge, "زوجي يضربني", "de").decision == "crisis"
    assert find(knowledge, "мене б’є чоловік", "en").decision == "crisis"
    assert find(knowledge, "mein Mann schlägt mich", "ar").decision == "crisis"
