"""The sentence templates of the bundled sample, shared by all charges.

A name in braces is a slot: a word of the charge (see `data_util.sample.charges`), or of the lists
here. "name" is the accused, the same throughout a document; the others are drawn each time.
"""

SURNAMES = tuple("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹")

DAYS = ("某日", "同年", "当日", "前一日", "年初", "月底", "年末", "案发当天")

HOURS = ("凌晨", "清晨", "上午", "中午", "下午", "傍晚", "晚上", "深夜")

OPENINGS = (
    "经审理查明，",
    "公诉机关指控，",
    "检察院指控：",
    "原审查明，",
    "本院查明，",
    "起诉书指控，",
    "公诉机关起诉称，",
    "一审认定，",
)

# The first sentence on a charge.
LEADS = (
    "{date}，{name}在{places}{verbs}{objects}。",
    "{date}，被告人{name}来到{places}，{means}{verbs}{objects}。",
    "{date}，{name}{means}{verbs}{objects}，{results}。",
    "{date}，{roles}{other}目睹{name}{verbs}{objects}。",
    "{date}，{roles}{other}报案称，{name}{means}{verbs}{objects}。",
    "被告人{name}于{date}{means}{verbs}{objects}，有证人{other}作证。",
    "{date}，被告人{name}在{places}{verbs}{objects}；{results}。",
    "{date}，被告人{name}因{objects}一事在{places}被查，{results}。",
    "{roles}{other}指认，{name}于{date}{verbs}{objects}，{results}。",
)

# Another sentence on the same charge.
FOLLOWS = (
    "{roles}{other}称其{means}，{results}。",
    "其间，{name}又{means}{verbs}{objects}。",
    "次日，{name}再次在{places}{verbs}{objects}。",
    "另查明，{name}曾{verbs}{objects}；{results}。",
    "{roles}{other}证实{results}。",
    "{places}监控显示其{means}{verbs}{objects}。",
    "{results}，{roles}{other}可以证明。",
)

# Words of another charge, in a sentence that charges nobody.
DISTRACTORS = (
    "{name}平日在{places}做工，与{roles}{other}相识。",
    "其住处另有{objects}，与本案无关。",
    "{name}的亲属{other}系{roles}，不知情。",
    "民警走访了{places}，未见异常。",
    "{name}称当日去{places}找{roles}{other}，未获证实。",
    "证人{other}提到{objects}一事，不予采信。",
    "{roles}{other}所述{objects}，经核实与案件无关。",
    "{name}自称案发前在{places}，经查不实。",
)

ENDINGS = (
    "{name}如实供述。",
    "{name}对事实无异议。",
    "{name}被抓获归案。",
    "{name}经电话通知到案。",
    "{name}主动投案。",
    "涉案金额{amount}元。",
    "{name}已赔偿{amount}元并获谅解。",
    "案发后退缴{amount}元。",
    "上述事实有书证、证人证言在卷。",
    "{name}系累犯。",
    "辩护人请求从轻处罚。",
    "归案后认罪认罚。",
)

# Questions: what is asked, the slot that answers, the sentences of which it is asked, and whether
# it is also asked where none of these sentences of the document answers it.
QUESTIONS = (
    ("{name}何时{verbs}{objects}？", "date", LEADS + FOLLOWS, False),
    ("{name}在哪里{verbs}{objects}？", "places", LEADS + FOLLOWS, True),
    ("{name}在{places}{verbs}了什么？", "objects", LEADS + FOLLOWS, False),
    ("谁知道{name}{verbs}{objects}？", "other", LEADS + FOLLOWS, False),
    ("涉案金额是多少元？", "amount", ENDINGS[5:6], True),
    ("{name}赔偿了多少元？", "amount", ENDINGS[6:7], True),
    ("案发后退缴了多少元？", "amount", ENDINGS[7:8], True),
)
