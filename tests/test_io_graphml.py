"""GraphML, element by element and as programs write it: read rightly, or refused by name."""

import tracemalloc
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import quot
from quot import InvalidProblemError
from quot.io.graphml import read_graphml
from quot.io.graphs import read_graph
from quot.io.roles import Roles

KEYS = """<key id="l" for="edge" attr.name="length" attr.type="double"/>
<key id="c" for="edge" attr.name="capacity" attr.type="double"><default>9</default></key>
<key id="h" for="node" attr.name="have" attr.type="int"><desc>mass</desc><default>2</default></key>
<key id="w" for="node" attr.name="want" attr.type="int"/>
"""
NODES = """<node id="a"/>
<node id="b"><data key="h">0</data><data key="w">2</data></node>
<node id="c"><data key="w">2</data></node>
"""
EDGES = """<edge source="c" target="a"><data key="l">1</data></edge>
<edge source="a" target="b"><data key="l">2</data><data key="c"/></edge>
<edge source="b" target="a" directed="true"><data key="l">3</data><data key="c">0.5</data></edge>
<edge id="e" source="a" target="b" directed="false"><data key="l">4</data></edge>
"""
BODY = f'<graph edgedefault="undirected">{NODES}{EDGES}</graph>'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save(body=BODY, keys=KEYS, head='<?xml version="1.0" encoding="UTF-8"?>', space="urn:g"):
    text = f'{head}<graphml xmlns="{space}" xmlns:y="urn:y">{keys}{body}</graphml>'
    Path("g.graphml").write_text(text, encoding="utf-8")
    return text


def read(nodes=None, **roles):
    return read_graph("g.graphml", Roles(**{"source": "have", "target": "want", **roles}),
                      nodes=nodes)  # fmt: skip


def check(data):
    graph = data.graph
    assert graph.labels == ("a", "b", "c")
    assert graph.edges.tolist() == [[2, 0], [0, 1], [1, 0], [0, 1]]
    assert graph.lengths.tolist() == [1, 2, 3, 4]
    assert graph.capacity.tolist() == [9, np.inf, 0.5, 9]
    assert graph.directed.tolist() == [False, False, True, False]
    assert data.source.tolist() == [2, 0, 2]
    assert data.target.tolist() == [0, 2, 2]
    assert (data.ends, data.node) == (("source", "target"), "node")
    assert data.columns == (("source", "target", "length", "capacity"), ("id", "have", "want"))


def test_defaults_directions_parallel_edges_and_the_order_of_the_file():
    save()
    check(read())


def test_edges_may_come_first_and_keys_last():
    save(f'<graph edgedefault="undirected">{EDGES}{NODES}</graph>{KEYS}', "")
    check(read())


@pytest.mark.parametrize("prefix", ["", "g:"])
@pytest.mark.parametrize("space", [None, "urn:any"])
def test_namespaces(prefix, space):
    text = f"<graphml>{KEYS}{BODY}</graphml>".replace("</", "\0").replace("<", "<" + prefix)
    mark = "" if space is None else f' xmlns{":g" * bool(prefix)}="{space}"'
    text = text.replace("\0", "</" + prefix).replace("graphml>", f"graphml{mark}>", 1)
    Path("g.graphml").write_text(text)
    if prefix and space is None:
        with pytest.raises(InvalidProblemError, match=r"cannot be read \(unbound prefix: line 1"):
            read()
    else:
        check(read())


def test_what_belongs_to_others_is_passed_over():
    more = "<y:node id='q'><node id='r'/></y:node><desc><edge>x</edge></desc>"
    body = BODY.replace('<node id="a"/>', f'{more}<node id="a" y:id="z">{more}</node>')
    body = body.replace('"l">1<', '"l"><!-- n -->1<y:x>5<node id="r"/></y:x><?p q?><')
    save(f'<data key="any">1</data>{more}{body}')
    check(read())


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "cp1252"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(encoding):
    named = encoding.removesuffix("-sig").replace("cp", "windows-")
    text = save(head=f'<?xml version="1.0" encoding="{named}"?>').replace('"a"', '"\xc9cole"')
    Path("g.graphml").write_bytes(text.encode(encoding))
    assert read().graph.labels[0] == "\xc9cole"


def test_latin_letters_that_are_not_declared():
    text = save(head="\n").replace('"a"', '"\xc9cole"')
    Path("g.graphml").write_bytes(text.encode("cp1252"))
    message = r"`g.graphml` is not in UTF-8: line 6 has the byte 0xc9\. Save it as UTF-8 \(Excel"
    with pytest.raises(InvalidProblemError, match=message):
        read()


def test_a_compressed_file():
    Path("g.graphml").write_bytes(b"\x1f\x8b\x08\x00rest")
    with pytest.raises(InvalidProblemError, match=r"`g.graphml` is compressed by gzip; unpack it"):
        read()


REFUSED = {
    "two graphs": (BODY + "<graph/>", r"line 12 of `g.graphml` has a second <graph>; put each int"),
    "no graph": ("", r"`g.graphml` has no <graph>; pass a file with one"),
    "node twice": (BODY.replace('"b"/>', '"a"/>').replace('<node id="b">', '<node id="a">'),
                   r"line 6 of `g.graphml` has a second <node> 'a', after that in line 5; give ea"),
    "node but for blanks": (BODY.replace('"b">', '" a ">'), "has a second <node> 'a', after that"),
    "no such node": (BODY.replace('target="a"', 'target="A"'),
                     r"line 8 of `g.graphml` has an <edge> to the node 'A', which no <node> decl"),
    "group": (BODY.replace('"a"/>', '"a"><graph><node id="x"/></graph></node>'),
              r"line 5 .* has a <graph> inside of another, such as a group of yEd; put all nodes"),
    "graph in an edge": (BODY.replace("</edge>", "<graph/></edge>", 1), "<graph> inside of anoth"),
    "hyperedge": (BODY.replace("<edge", '<hyperedge><endpoint node="a"/></hyperedge><edge', 1),
                  r"line 8 of `g.graphml` has a <hyperedge>, which joins any number of nodes"),
    "port": (BODY.replace('"a"/>', '"a"><port name="N"/></node>'), "has a <port>, a part of a nod"),
    "locator": (BODY.replace('"a"/>', '"a"><locator/></node>'), "has a <locator>, which is for a"),
    "misspelt": (BODY.replace('<node id="a"/>', '<Node id="a"/>'),
                 r"line 5 of `g.graphml` has a <Node>, which means nothing in a <graph>"),
    "no id": (BODY.replace('id="a"', ""), r"line 5 of `g.graphml` has a <node> without `id`; add"),
    "no target": (BODY.replace('target="a"', "", 1), r"line 8 .* has a <edge> without `target`"),
    "no key": (BODY.replace('key="l"', 'key="x"', 1), r"line 8 of `g.graphml` has <data> of the ke"
               r"y 'x', which no <key> declares for edges; declare it"),
    "key of nodes": (BODY.replace('key="l"', 'key="h"', 1), r"'h', which no <key> declares for ed"),
    "data without key": (BODY.replace('key="l"', "", 1), r"has a <data> without `key`; add it"),
    "data twice": (BODY.replace('<data key="w">', '<data key="w">1</data><data key="w">', 1),
                   r"line 6 of `g.graphml` has <data> of the key 'w' a second time in one node"),
    "no direction": (BODY.replace('edgedefault="undirected"', ""), r"line 8 .* an <edge> of no d"),
    "odd direction": (BODY.replace('"undirected"', '"both"'), r"line 8 .* an <edge> of no d"),
    "odd edge": (BODY.replace('="false"', '="False"'), r"line 11 .* has an <edge> of no direction"),
    "length": (BODY.replace('"l">4', '"l">4_0'), r"`length` of the edge 'a' - 'b' in line 11 of "
               r"`g.graphml` is '4_0', which is no number"),
    "no length": (BODY.replace('<data key="l">4</data>', ""), r"`length` of the edge .* is miss"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(body, message):
    save(body)
    with pytest.raises(InvalidProblemError, match=message):
        read()


def test_edges_that_say_themselves_where_they_lead():
    edges = EDGES.replace('"c" target="a"', '"c" target="a" directed="0"')
    edges = edges.replace('"a" target="b">', '"a" target="b" directed="1">', 1)
    save(f"<graph>{NODES}{edges}</graph>")
    assert read().graph.directed.tolist() == [False, True, True, False]


# --- keys ----------------------------------------------------------------------------------------


def key(id, name="length", domain="edge", default=None):
    inner = "" if default is None else f"<default>{default}</default>"
    domain = "" if domain is None else f' for="{domain}"'
    name = "" if name is None else f' attr.name="{name}"'
    return f'<key id="{id}"{domain}{name}>{inner}</key>'


MASSES = key("h", "have", "node", 0) + key("w", "want", "node", 0)
DATA = ('<graph edgedefault="directed"><node id="1"/><node id="2"/><edge source="1" target="2">'
        '{}</edge><edge source="2" target="1"/></graph>')  # fmt: skip
LENGTHS = {
    "for all": (key("l", domain="all", default=7), "", [7, 7]),
    "for anything": (key("l", domain=None, default=7), '<data key="l">1</data>', [1, 7]),
    "without a name": (key("length", None, default=7), "", [7, 7]),
    "two keys": (key("l") + key("m", default=7), '<data key="l">1</data>', [1, 7]),
    "one id for both": (key("l", "x", "node") + key("l", default=7), "", [7, 7]),
    "spread": (key("l", default="\n 7\n"), '<data key="l">\n1\n</data>', [1, 7]),
    "cdata": (key("l", default="<![CDATA[7]]>"), '<data key="l"><![CDATA[1]]></data>', [1, 7]),
    "signs": (key("l", default="&#55;"), '<data key="l">1&#46;5</data>', [1.5, 7]),
}
BAD_LENGTHS = {
    "for graphs": (key("l", domain="graph", default=7), "", "has no attribute `length`"),
    "graphics": ('<key id="length" for="edge" yfiles.type="edgegraphics"/>', "", "has no attrib"),
    "one id": (key("l") + key("l"), "", r"has a second <key> 'l' for edges; give each its own"),
    "no id": ('<key for="edge" attr.name="length"/>', "", "has a <key> without `id`; add it"),
    "twice": (key("l") + key("m"), '<data key="l">1</data><data key="m">2</data>',
              r"`length` of the edge '1' - '2' in line 1 of `g.graphml` is given twice, by two ke"),
    "defaults": (key("l", default=1) + key("m", default=2), "", r"has the defaults \['1', '2'\]; "),
    "cases": (key("l", default=1) + key("m", "Length"), "", "the attributes `length` and `Length`"),
}  # fmt: skip


@pytest.mark.parametrize(("keys", "data", "lengths"), LENGTHS.values(), ids=LENGTHS.keys())
def test_keys(keys, data, lengths):
    save(DATA.format(data), MASSES + keys)
    assert read().graph.lengths.tolist() == lengths


@pytest.mark.parametrize(("keys", "data", "message"), BAD_LENGTHS.values(), ids=BAD_LENGTHS.keys())
def test_bad_keys(keys, data, message):
    save(DATA.format(data), MASSES + keys)
    with pytest.raises(InvalidProblemError, match=message):
        read()


def test_attributes_that_are_called_as_the_ends_are():
    keys = key("l", default=7) + key("s", "source") + key("h", "node", "node", 1)
    save(DATA.format('<data key="s">survey</data>'), keys + key("w", "id", "node", 1))
    data = read(source="node", target="id")
    assert data.graph.edges.tolist() == [[0, 1], [1, 0]]
    assert data.source.tolist() == data.target.tolist() == [1, 1]


# --- entities ------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10}">' for k in range(1, 12))
ENTITIES = {
    "laughs": f'[<!ENTITY e0 "ha">{LAUGHS}]',
    "large": f'[<!ENTITY e11 "{"x" * 10000}">]',
    "a file": '[<!ENTITY e11 SYSTEM "/etc/hostname">]',
    "parameter": '[<!ENTITY % e11 SYSTEM "e.dtd"> %e11;]',
}


@pytest.mark.parametrize("entities", ENTITIES.values(), ids=ENTITIES.keys())
def test_entities_are_not_expanded(entities):
    save(BODY.replace('"l">1<', '"l">&e11;<'), head=f"<!DOCTYPE graphml {entities}>")
    with pytest.raises(
        InvalidProblemError, match=r"line 1 of `g.graphml` has the entity `e\d+`, w"
    ):
        read()


def test_a_document_type_alone_is_harmless():
    save(head='<!DOCTYPE graphml SYSTEM "graphml.dtd">')
    check(read())
    save(BODY.replace('"l">1<', '"l">&one;<'), head='<!DOCTYPE graphml SYSTEM "graphml.dtd">')
    with pytest.raises(
        InvalidProblemError, match=r"line 8 .* has the entity `one`, which is not ex"
    ):
        read()
    save(BODY.replace('"l">1<', '"l">&one;<'))
    with pytest.raises(InvalidProblemError, match=r"cannot be read \(undefined entity"):
        read()


def test_memory_grows_with_the_file_alone():
    """Many keys and many nodes are no table of both."""
    keys = "".join(key(f"k{k}", f"k{k}", "node", "x" * 20) for k in range(1000))
    nodes = "".join(f'<node id="{k}"/>' for k in range(10_000))
    edges = '<edge source="1" target="2"/>' * 10_000
    save(
        f'<graph edgedefault="directed">{nodes}{edges}</graph>', MASSES + key("l", default=1) + keys
    )
    tracemalloc.start()
    data = read()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.graph.n_edges == 10_000
    assert most < 10 * Path("g.graphml").stat().st_size + 4e6


def test_deep_elements():
    save(BODY.replace('"a"/>', '"a"><desc>' + "<x>" * 50_000 + "</x>" * 50_000 + "</desc></node>"))
    check(read())


# --- as programs write it ------------------------------------------------------------------------


def test_networkx_and_osmnx():
    """Against the reader of networkx; edges of multigraphs have repeated ids, 0 and 1."""
    rng = np.random.default_rng(0)
    drawn = nx.MultiDiGraph(crs="epsg:4326")
    for v in rng.permutation(20).tolist():
        drawn.add_node(v, x=str(rng.random()), y=str(rng.random()), have=1, want=1, ref="\xe9 & <")
    for u, v in rng.integers(0, 20, (60, 2)).tolist():
        length = rng.choice([rng.random(), 3])  # of two types, which become two keys
        length = int(length) if length == 3 else float(length)
        drawn.add_edge(u, v, length=length, osmid="[1, 2]", oneway="False")
    nx.write_graphml(drawn, "g.graphml")
    graph, again = read().graph, nx.read_graphml("g.graphml", node_type=int, force_multigraph=True)
    assert graph.labels == tuple(again)
    assert sorted((graph.labels[u], graph.labels[v], length)
                  for (u, v), length in zip(graph.edges, graph.lengths, strict=True)) == sorted(
                      (u, v, data["length"]) for u, v, data in again.edges(data=True))  # fmt: skip
    assert graph.directed.all()
    assert graph.positions.tolist() == [
        [float(d["x"]), float(d["y"])] for d in again.nodes.values()
    ]


def test_igraph():
    """Ids n0, n1 and names in an attribute."""
    save("""<graph id="G" edgedefault="undirected">
    <node id="n0"><data key="v_name">depot</data><data key="v_have">1</data></node>
    <node id="n1"><data key="v_name">park</data><data key="v_have">0</data></node>
    <edge source="n1" target="n0"><data key="e_weight">2.5</data></edge></graph>""",
         key("v_name", "name", "node") + key("v_have", "have", "node")
         + key("e_weight", "weight"))  # fmt: skip
    data = read(target="have")
    assert data.graph.labels == ("n0", "n1")
    assert data.graph.lengths.tolist() == [2.5]
    Path("s.csv").write_text("node,have,want\ndepot,1,0\npark,0,1\n")
    message = (r"names such as 'depot', and the edges join nodes such as 'n0'\. The attribute "
               "`name` has such names; write the ids of these")  # fmt: skip
    with pytest.raises(InvalidProblemError, match=message):
        read("s.csv")
    Path("s.csv").write_text("node,have,want\nn0,1,0\nn1,0,1\n")
    assert read("s.csv").source.tolist() == [1, 0]


def test_gephi():
    save("""<graph edgedefault="undirected"><node id="1.0"><data key="label">a</data>
    <data key="size">10.0</data><data key="x">-1.5</data><data key="y">2.0</data></node>
    <node id="2.0"><data key="label">b</data><data key="x">3.0</data><data key="y">0</data></node>
    <edge id="7" source="1.0" target="2.0" directed="true"><data key="weight">2.0</data></edge>
    <edge id="8" source="2.0" target="1.0"><data key="edgeid">8</data><data key="weight">1</data>
    </edge></graph>""",
         "".join(key(k, k, "node") for k in ("label", "size", "x", "y")) + MASSES
         + key("weight", "weight") + key("edgelabel", "Edge Label")
         + key("edgeid", "Edge Id"))  # fmt: skip
    graph = read().graph
    assert graph.labels == ("1.0", "2.0")
    assert graph.directed.tolist() == [True, False]
    assert graph.positions.tolist() == [[-1.5, 2], [3, 0]]


YED = """<graph edgedefault="directed" id="G"><data key="d0"/>
<node id="n0"><data key="d5" xml:space="preserve"/><data key="d6"><y:ShapeNode>
<y:Geometry height="30.0" x="1.0" y="2.0"/><y:NodeLabel modelName="internal">Depot<y:LabelModel>
<y:SmartNodeLabelModel distance="4.0"/></y:LabelModel></y:NodeLabel></y:ShapeNode></data></node>
<node id="n1"><data key="d6"><y:ShapeNode><y:NodeLabel>Park</y:NodeLabel>
<y:NodeLabel hasText="false"/></y:ShapeNode></data><data key="d1">4</data></node>
<edge id="e0" source="n0" target="n1"><data key="d10"><y:PolyLineEdge><y:Path sx="0.0"/>
<y:EdgeLabel>12<y:LabelModel/></y:EdgeLabel></y:PolyLineEdge></data></edge></graph>
<data key="d7"><y:Resources/></data>"""
YED_KEYS = (
    '<key attr.name="Description" attr.type="string" for="graph" id="d0"/>'
    '<key for="port" id="d2" yfiles.type="portgraphics"/><key for="graphml" id="d7" '
    'yfiles.type="resources"/><key for="node" id="d6" yfiles.type="nodegraphics"/>'
    '<key for="edge" id="d10" yfiles.type="edgegraphics"/>'
    + key("d5", "url", "node") + key("d9", "url") + key("d1", "supply", "node", 4)
    + key("d11", "capacity", "edge", '<![CDATA[3.5]]>')
)  # fmt: skip


def test_yed():
    save(YED, YED_KEYS)
    data = read(source="supply", target="supply", length="y:EdgeLabel")
    assert data.graph.labels == ("n0", "n1")
    assert data.source.tolist() == [4, 4]
    assert (data.graph.lengths.tolist(), data.graph.capacity.tolist()) == ([12], [3.5])
    Path("s.csv").write_text("node,have,want\nPark,1,1\n")
    with pytest.raises(InvalidProblemError, match="The attribute `y:NodeLabel` has such names"):
        read("s.csv", length="y:EdgeLabel")
    with pytest.raises(InvalidProblemError, match=r"it has `url`, `capacity`, `y:EdgeLabel`\. Na"):
        read(source="supply", target="supply")
    save(YED.replace("<y:EdgeLabel>", "<y:EdgeLabel>a</y:EdgeLabel><y:EdgeLabel>"), YED_KEYS)
    with pytest.raises(InvalidProblemError, match=r"is 'a\\n12', which is no number"):
        read(source="supply", target="supply", length="y:EdgeLabel")


def test_graph_tool():
    save("""<graph id="G" edgedefault="directed" parse.nodeids="canonical" parse.order="nodesfirst">
    <node id="n0"><data key="key0">0x1p+1, 0</data></node><node id="n1"/>
    <edge id="e0" source="n0" target="n1"><data key="key1">1.5</data></edge></graph>""",
         '<key id="key0" for="node" attr.name="pos" attr.type="vector_double" />' + MASSES
         + '<key id="key1" for="edge" attr.name="weight" attr.type="long double"/>')  # fmt: skip
    data = read()
    assert data.graph.lengths.tolist() == [1.5]
    assert data.unplaced == ["n0", "n1"]


# --- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pos", ["north", "here, there", "1", "1,2,3", "nan, 1", "", "(1, x)"])
def test_a_pos_that_is_no_position_is_no_obstacle(pos):
    nodes = f'<node id="1"><data key="p">{pos}</data></node><node id="2"><data key="p">1 2</data>'
    body = DATA.format("").replace('<node id="1"/><node id="2"/>', nodes + "</node>")
    save(body, MASSES + key("l", default=1) + key("p", "pos", "node"))
    data = read()
    assert data.graph.positions is None
    assert data.unplaced == [1]


def test_x_and_y_go_before_pos():
    nodes = '<node id="1"/><node id="2"/>'
    body = DATA.format("").replace(nodes, nodes.replace("/>", '><data key="p">1 2</data></node>'))
    places = key("p", "pos", "node") + key("x", "x", "node", 5) + key("y", "y", "node", 6)
    for more, places_of in ((places, [5, 6]), (places[: places.index('<key id="x"')], [1, 2])):
        save(body, MASSES + key("l", default=1) + more)
        assert read().graph.positions.tolist() == [places_of] * 2


# --- anything -------------------------------------------------------------------------------------


def test_files_with_a_few_bytes_changed():
    """Read, or refused; nothing else."""
    save(YED + "", YED_KEYS)
    whole, rng, read_ones = Path("g.graphml").read_bytes(), np.random.default_rng(1), 0
    parts = [
        b"<node",
        b'id="n0"',
        b"</data>",
        b"<graph>",
        b"\xff",
        b"\0",
        b'"',
        b"&lt;",
        b"&x;",
        b"<",
    ]
    for _ in range(1500):
        at, to = np.sort(rng.integers(0, len(whole), 2))
        to = min(to, at + int(rng.integers(0, 30)))
        part = parts[rng.integers(len(parts))] if rng.random() < 0.5 else whole[at : 2 * at - to]
        Path("g.graphml").write_bytes(whole[:at] + part + whole[to:])
        try:
            read_graphml("g.graphml")
            read(source="supply", target="supply", length="y:EdgeLabel")
            read_ones += 1
        except InvalidProblemError:
            pass
    assert read_ones > 50


def test_a_flow_on_it():
    save()
    data = read()
    r = quot.solve_graph(data.graph, data.source, data.target, reg=0.1)
    assert r.converged
