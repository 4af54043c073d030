"""Answers from a page whose pieces stand in rows and columns."""

import pytest
from PIL import Image

from hugginggpt.experts.bundled.form_qa import extract_page_answers
from hugginggpt.experts.bundled.ocr import merge_into_cells, read_text_rows
from hugginggpt.experts.bundled.page_tables import Cell
from tests.conftest import MEDIA


@pytest.fixture(scope="session")
def invoice() -> list[list[Cell]]:
    """Return the cells of the invoice's rows, read once."""
    with Image.open(MEDIA / "invoice.png") as image:
        return [merge_into_cells(row) for row in read_text_rows(image.convert("RGB"))]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the total?", "$1,284.50"),
        ("What is the total due?", "$1,284.50"),
        ("What is the total on this invoice?", "$1,284.50"),
        ("How much do I owe on this bill?", "$1,284.50"),
        ("How much do I have to pay?", "$1,284.50"),
        ("How much is it in all?", "$1,284.50"),
        ("What is the amount due?", "$1,284.50"),
        ("What's the total including VAT?", "$1,284.50"),
        ("What is the subtotal?", "$1,070.42"),
        ("What is the total before tax?", "$1,070.42"),
        ("What is the VAT?", "$214.08"),
        ("How much VAT is there?", "$214.08"),
        ("What is the invoice number?", "20417"),
        ("What is the number of this invoice?", "20417"),
        ("When is it due?", "13 April 2025"),
        ("What is the due date?", "13 April 2025"),
        ("When do I have to pay?", "13 April 2025"),
        ("What is the date of the invoice?", "14 March 2025"),
        ("Who is the invoice for?", "Maren Oduya"),
        ("Who is this billed to?", "Maren Oduya"),
        ("Who is the customer?", "Maren Oduya"),
        ("How much does the delivery cost?", "$123.00"),
        ("What colour is the sky?", ""),
    ],
)
def test_the_right_piece_of_the_page_is_found(invoice: list[list[Cell]], question: str, answer: str) -> None:
    (found,) = extract_page_answers(invoice, [question])
    assert found.span == answer


def _lay_out_page(*rows: list[str]) -> list[list[Cell]]:
    """Lay cells out on a grid: 200 pixels a column, 30 a row, each 20 high; one that is alone is as wide as its text."""
    return [
        [
            Cell(text, (200.0 * x, 30.0 * y, 200.0 * x + (150 if len(row) > 1 else 8 * len(text)), 30.0 * y + 20))
            for x, text in enumerate(row)
            if text
        ]
        for y, row in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("rows", "question", "answer"),
    [
        ([["Name", "Ines Varga"], ["Rent", "$700.00"]], "What is the rent?", "$700.00"),
        ([["Rent"], ["$700.00"], ["Deposit"], ["$50.00"]], "What is the rent?", "$700.00"),
        ([["Desk", "2", "$10.00", "$20.00"], ["Total", "$20.00"]], "What is the total?", "$20.00"),
        ([["2 x Tea", "5.00"], ["1 x Soup", "6.20"], ["CHANGE", "3.50"]], "What did the soup cost?", "6.20"),
        ([["2 x Tea", "5.00"], ["1 x Soup", "6.20"], ["CHANGE", "3.50"]], "How much change did I get?", "3.50"),
        ([["2 x Tea", "5.00"], ["1 x Soup", "6.20"], ["CHANGE", "3.50"]], "How many teas did I have?", "2"),
        (
            [["INVOICE", "LOGO"], ["Northside Cycles Ltd"], ["4 Quarry Road"], ["Bill to"], ["Pat Example"]],
            "Who sent this invoice?",
            "Northside Cycles Ltd",
        ),
        ([["Corner Cafe"], ["12 Example Street"], ["Date 03/04/2024"]], "What is the name of the cafe?", "Corner Cafe"),
        ([["Corner Cafe"], ["12 Example Street"], ["03/04/2024"]], "When was this?", "03/04/2024"),
        (
            [["MEMO"], ["To: all staff"], ["From: Ingrid Solberg"], ["The lift is out of order."]],
            "Who wrote this memo?",
            "Ingrid Solberg",
        ),
        (
            [["FAX"], ["From", "Lund Brothers"], ["To", "Harbour Office"], ["Re", "Mooring fees"]],
            "Who sent the fax?",
            "Lund Brothers",
        ),
        (
            [["FAX"], ["From", "Lund Brothers"], ["To", "Harbour Office"], ["Re", "Mooring fees"]],
            "To whom was it sent?",
            "Harbour Office",
        ),
        (
            [["FAX"], ["From", "Lund Brothers"], ["To", "Harbour Office"], ["Re", "Mooring fees"]],
            "What is the fax about?",
            "Mooring fees",
        ),
        ([["From:", "9 am"], ["To:", "5 pm"], ["Closed on holidays"]], "Who wrote this?", ""),
        (
            [["Open again on Thursday 4 June at noon"], ["Children under six swim free"]],
            "Who swims free?",
            "Children under six",
        ),
        ([["Questions: extension417"], ["Lost property: room 12B"]], "Which extension do I call with questions?", "417"),
        (
            [["Dr. Imani Foster"], ["Mobile 07700 900 222"], ["imani@oak.example"]],
            "What is her e-mail address?",
            "imani@oak.example",
        ),
    ],
)
def test_a_value_stands_beside_its_label_or_below(rows: list[list[str]], question: str, answer: str) -> None:
    (found,) = extract_page_answers(_lay_out_page(*rows), [question])
    assert found.span == answer


STAFF = [["School", "Teachers", "Students"], ["Hill Road", "18", "342"], ["Lakeside", "25", "519"], ["Total", "43", "861"]]
BOARD = [
    ["Time", "Destination", "Platform", "Remarks"],
    ["09:12", "Leeds", "4", "on time"],
    ["09:40", "Hull Paragon", "7", "10 min late"],
    ["10:05", "Newcastle upon Tyne", "12B", "cancelled"],
]
ROOMS = [["Subject", "Teacher", "Room"], ["Music", "Ms Idowu", "A1"], ["Chemistry", "Dr Lund", "B4"]]
WEEK = [
    ["", "Monday", "Tuesday", "Wednesday"],
    ["8:00", "Maths", "English", "Biology"],
    ["9:00", "History", "Maths", "Music"],
    ["10:00", "Sports", "Art", "French"],
]
TRAINS = [["Time", "Destination", "Platform"], ["09:12", "Leeds", "4"], ["09:25", "York", "2"]]


@pytest.mark.parametrize(
    ("rows", "question", "answer"),
    [
        (STAFF, "How many students does Lakeside have?", "519"),
        (STAFF, "Which school has 18 teachers?", "Hill Road"),
        (STAFF, "How many students are there in total?", "861"),
        (STAFF, "How many students does Riverside have?", ""),
        (TRAINS, "Which platform does the train to York leave from?", "2"),
        (TRAINS, "When does the train to Leeds leave?", "09:12"),
        (TRAINS, "When does the train to Dover leave?", ""),
        (BOARD, "Which platform does the train to Hull leave from?", "7"),
        (BOARD, "Which platform is the train to Newcastle at?", "12B"),
        (BOARD, "When does the Newcastle train leave?", "10:05"),
        (BOARD, "Where does the 09:40 train go?", "Hull Paragon"),
        (BOARD, "What is the gate of flight BA 12?", ""),
        (ROOMS, "Which room is Chemistry in?", "B4"),
        (ROOMS, "Who teaches Chemistry?", "Dr Lund"),
        (ROOMS, "Which subject is taught in room A1?", "Music"),
        (WEEK, "What is on Tuesday at 9:00?", "Maths"),
        (WEEK, "What is on Wednesday at ten?", "French"),
        (WEEK, "Which lesson is on Monday at 8:00?", "Maths"),
        (WEEK, "What do we have at 10:00 on Tuesday?", "Art"),
        (WEEK, "What is on at 9:00 on Wednesday?", "Music"),
        (WEEK, "What is on Friday at 9:00?", ""),
    ],
)
def test_a_cell_is_found_by_its_row_and_column(rows: list[list[str]], question: str, answer: str) -> None:
    (found,) = extract_page_answers(_lay_out_page(*rows), [question])
    assert found.span == answer


GATES = [
    ["DEPARTURES"],
    ["Flight", "To", "Gate", "Status"],
    ["BA 12", "Oslo", "A4", "boarding"],
    ["LX 318", "Zurich", "B11", "delayed"],
    ["AF 90", "Lyon Saint-Exupery", "C2", "last call"],
]
MENU = [
    ["THE ANCHOR"],
    ["Starters", "Price"],
    ["Leek soup", "6.50"],
    ["Smoked trout", "9.80"],
    ["Mains", "Price"],
    ["Beef stew", "17.00"],
    ["Mushroom pie", "14.50"],
    ["Ask for the daily special"],
]
ROTA = [
    ["", "Early", "Late", "Night"],
    ["Monday", "Ana", "Bilal", "Chen"],
    ["Tuesday", "Dora", "Ana", "Bilal"],
    ["Wednesday", "Chen", "Dora", "Ana"],
]
MEMO = [
    ["MEMO"],
    ["To:", "Kitchen staff"],
    ["From:", "Renate Oduya"],
    ["Date:", "2 May 2025"],
    ["Subject:", "New ovens"],
    ["The new ovens arrive on Monday at seven and will be fitted by noon."],
    ["Questions: extension 52"],
]
TICK = [
    ["RAIL TICKET"],
    ["From: Leeds", "To: York"],
    ["Departs 09:12", "Arrives 09:41"],
    ["Coach B", "Seat 14"],
    ["Price", "£12.40"],
]
SIGN = [
    ["TOWN POOL"],
    ["Opens at 7 am, closes at 9 pm"],
    ["Members with a card swim free"],
    ["Closed since Monday due to a burst pipe"],
]
HOURS = [["Day", "Opens", "Closes"], ["Monday", "8:00", "18:00"], ["Saturday", "9:00", "13:00"]]


@pytest.mark.parametrize(
    ("rows", "question", "answer"),
    [
        (GATES, "Which gate does the flight to Oslo leave from?", "A4"),
        (GATES, "Which gate is the flight to Lyon at?", "C2"),
        (GATES, "Where does LX 318 go?", "Zurich"),
        (GATES, "What is the status of the flight to Zurich?", "delayed"),
        (GATES, "Which flight is delayed?", "LX 318"),
        (GATES, "Which gate does the flight to Rome leave from?", ""),
        (GATES, "Which flight leaves from gate C2?", "AF 90"),
        (MENU, "How much is the soup?", "6.50"),
        (MENU, "What does the mushroom pie cost?", "14.50"),
        (MENU, "How much is the trout?", "9.80"),
        (MENU, "How much is the ice cream?", ""),
        (ROTA, "Who works late on Tuesday?", "Ana"),
        (ROTA, "Who is on the night shift on Monday?", "Chen"),
        (ROTA, "Who has the early shift on Wednesday?", "Chen"),
        (ROTA, "Who works early on Friday?", ""),
        (MEMO, "Who sent this memo?", "Renate Oduya"),
        (MEMO, "Who is the memo for?", "Kitchen staff"),
        (MEMO, "What is the memo about?", "New ovens"),
        (MEMO, "When was the memo written?", "2 May 2025"),
        (MEMO, "When do the ovens arrive?", "Monday at seven"),
        (MEMO, "Which extension do I call?", "52"),
        (MEMO, "Who bought the ovens?", ""),
        (TICK, "When does the train leave?", "09:12"),
        (TICK, "When does the train arrive?", "09:41"),
        (TICK, "When does it get to York?", "09:41"),
        (TICK, "Which seat do I have?", "14"),
        (TICK, "Which coach is it?", "B"),
        (TICK, "How much did the ticket cost?", "£12.40"),
        (TICK, "Who wrote this?", ""),
        (SIGN, "When does the pool close?", "9 pm"),
        (SIGN, "When does the pool open?", "7 am"),
        (SIGN, "Who swims free?", "Members with a card"),
        (SIGN, "Why is the pool closed?", "due to a burst pipe"),
        (HOURS, "When does it close on Saturday?", "13:00"),
        (HOURS, "When does it open on Monday?", "8:00"),
        (HOURS, "When do you close on Monday?", "18:00"),
    ],
)
def test_boards_menus_rotas_memos_and_tickets_are_read(rows: list[list[str]], question: str, answer: str) -> None:
    (found,) = extract_page_answers(_lay_out_page(*rows), [question])
    assert found.piece == answer


TICKET = [
    ["BOARDING PASS"],
    ["Passenger", "Flight", "Gate"],
    ["OLSEN MARTA", "NX 482", "B17"],
    ["From", "To", "Boarding"],
    ["Oslo (OSL)", "Porto (OPO)", "14:35"],
    ["Seat", "Class", "Date"],
    ["22C", "Economy", "7 May 2025"],
]
PRICES = [["Item", "Unit price", "Stock"], ["Bolt", "0.15", "800"], ["Hinge", "1.20", "45"], ["Handle", "6.40", "12"]]


@pytest.mark.parametrize(
    ("rows", "question", "answer"),
    [
        (TICKET, "Which gate do I go to?", "B17"),
        (TICKET, "What is my seat?", "Seat 22C"),
        (TICKET, "What is the flight number?", "NX 482"),
        (TICKET, "When do I board?", "14:35"),
        (TICKET, "What is the date?", "7 May 2025"),
        (TICKET, "Which class is it?", "Economy"),
        (PRICES, "What is the unit price of the hinge?", "1.20"),
        (PRICES, "How many handles are in stock?", "12"),
    ],
)
def test_labels_may_stand_above_their_values_as_on_a_ticket(rows: list[list[str]], question: str, answer: str) -> None:
    (found,) = extract_page_answers(_lay_out_page(*rows), [question])
    assert found.piece == answer


def test_each_part_of_a_question_has_its_own_answer(invoice: list[list[Cell]]) -> None:
    found = extract_page_answers(invoice, ["How much is due", "When is it due"])
    assert [each.span for each in found] == ["$1,284.50", "13 April 2025"]
