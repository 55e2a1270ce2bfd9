"""The chunks depend on sizes alone; threads change nothing but the time."""

import threading

import pytest

from quot import parallel


@pytest.mark.parametrize("threads", ["1", "2", "5"])
@pytest.mark.parametrize(("rows", "columns", "chunk"), [(10, 3, 4), (1000, 300, 64), (1, 1, 8)])
def test_chunks_cover_the_rows_in_order(threads, rows, columns, chunk, monkeypatch):
    monkeypatch.setenv("QUOT_NUM_THREADS", threads)
    parts = parallel.map_rows(lambda start, stop: (start, stop), rows, columns, chunk)
    assert parts == [(k, min(k + chunk, rows)) for k in range(0, rows, chunk)]


def test_results_are_in_the_order_of_the_rows_not_of_the_clock(monkeypatch):
    """The first chunk waits until the last one is done."""
    monkeypatch.setenv("QUOT_NUM_THREADS", "2")
    last = threading.Event()

    def late(start, stop):
        if start == 0:
            assert last.wait(timeout=20)
        if stop == 1000:
            last.set()
        return start

    assert parallel.map_rows(late, 1000, 300, 500) == [0, 500]
    last.clear()
    assert parallel.map_rows(late, 1000, 300, 100) == list(range(0, 1000, 100))


def test_threads_are_used_where_they_pay(monkeypatch):
    monkeypatch.setenv("QUOT_NUM_THREADS", "2")
    barrier = threading.Barrier(2, timeout=20)  # only two threads at once can pass
    parallel.map_rows(lambda start, stop: barrier.wait(), 1000, 300, 500)
    here = threading.get_ident()
    idents = parallel.map_rows(lambda start, stop: threading.get_ident(), 10, 10, 1)
    assert set(idents) == {here}


def test_thread_count(monkeypatch):
    monkeypatch.setenv("QUOT_NUM_THREADS", "3")
    assert parallel.thread_count() == 3
    for ignored in ("", "0", "-2", "many"):
        monkeypatch.setenv("QUOT_NUM_THREADS", ignored)
        assert parallel.thread_count() >= 1
    monkeypatch.delenv("QUOT_NUM_THREADS")
    assert parallel.thread_count() >= 1


def test_an_error_in_a_chunk_comes_out(monkeypatch):
    monkeypatch.setenv("QUOT_NUM_THREADS", "2")

    def fail(start, stop):
        raise ZeroDivisionError("chunk")

    with pytest.raises(ZeroDivisionError, match="chunk"):
        parallel.map_rows(fail, 1000, 300, 100)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_caller_looks_around_and_may_end_it(threads, monkeypatch, tune):
    """What was begun is done, and no other chunk is begun."""
    monkeypatch.setenv("QUOT_NUM_THREADS", threads)
    tune(look=0.001)
    begun, looks, told = [], [], threading.Event()

    def work(start, stop):
        begun.append(start)
        if threads == "2":
            assert told.wait(timeout=20)

    def watch():
        looks.append(threading.get_ident())
        if len(looks) == 5:
            told.set()
            raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        parallel.map_rows(work, 1000, 300, 10, watch)
    assert looks == [threading.get_ident()] * 5
    assert len(begun) < 100
