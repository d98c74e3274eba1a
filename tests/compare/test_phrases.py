from compare.phrases import all_visible, gathered, listed, short, visible


def test_words_are_listed():
    assert [listed(["4", "3", "2"][:count]) for count in range(4)] == ["", "4", "4 and 3", "4, 3 and 2"]


def test_quantities_are_gathered_by_their_layers_and_times():
    state = [f"dC of layer 1 at time {time}" for time in (3, 2, 1)]
    assert gathered(["dW of layer 2", "dW of layer 1", "loss", *state, "dZ of layer 1 (reset gate) at time 2"]) == [
        *("dW of layers 2 and 1", "loss", "dC of layer 1 at times 3, 2 and 1"),
        "dZ of layer 1 (reset gate) at time 2",
    ]


def test_a_quantity_at_a_time_is_not_the_whole_one():
    assert gathered(["dW of layer 1 at time 2 and later", "dW of layer 1"]) == [
        "dW of layer 1 at time 2 and later",
        "dW of layer 1",
    ]


def test_a_text_of_any_length_is_cut():
    assert [short(text, 6) for text in ("", "123456", "1234567")] == ["", "123456", "12 ..."]


def test_what_cannot_be_seen_is_written_out():
    assert visible("\x1b[1m é\t\n\r\udcff\u202e\x00") == "\\x1b[1m é\t\n\\r\\udcff\\u202e\\x00"
    assert all_visible({"a\x07": ("\udcff", [1, None, "b"])}) == {"a\\x07": ["\\udcff", [1, None, "b"]]}
