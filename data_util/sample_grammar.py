"""The grammar of the bundled sample: what each charge is told by, and what all of them share.

Every charge has six lists of words and short phrases that may stand for one another. A document of
the charge uses a few of them, so that a small labelled set cannot show them all, while free text
shows which of them keep company.
"""

from dataclasses import dataclass

SLOTS = ("means", "verbs", "objects", "places", "roles", "results")


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge and the words that tell it.

    Args:
        name: the label; never part of a document's text.
        weight: how often it is the first label of a document, against the others' weights.
        means: how it was done; stands before a verb.
        verbs: what was done; each goes with each of `objects`.
        objects: what it was done to.
        places: where; stands after "in" or "to".
        roles: who else had to do with it; a family name follows.
        results: what came of it; a clause of its own.
    """

    name: str
    weight: int
    means: tuple[str, ...]
    verbs: tuple[str, ...]
    objects: tuple[str, ...]
    places: tuple[str, ...]
    roles: tuple[str, ...]
    results: tuple[str, ...]


def _charge(name: str, weight: int, **words: str) -> Charge:
    return Charge(name, weight, **{slot: tuple(words[slot].split()) for slot in SLOTS})


CHARGES = (
    _charge(
        "盗窃",
        150,
        means="翻窗 撬锁 溜门 攀爬阳台 趁人熟睡 用镊子 用万能钥匙 砸碎车窗 技术开锁 用干扰器 "
        "剪断防盗网 趁无人之机",
        verbs="窃得 拿走 顺走 掏走 扒走 搬走 拎走 摸走 卷走 偷得",
        objects="金项链 钱包 电动车 电瓶 铜线 笔记本电脑 香烟 首饰盒 电缆 拉杆箱 存钱罐 玉镯",
        places="出租房 地下车库 菜市场 公交车 工地 网吧 宿舍 更衣室",
        roles="失主 住户 乘客 店主 室友 摊主",
        results="所得销赃 变卖得款 拿去典当 低价转卖 被监控拍下 藏匿于床底 赃物被追回 挥霍一空",
    ),
    _charge(
        "危险驾驶",
        110,
        means="酒席散后 宴请归来 宿醉未醒 喝了白酒后 啤酒下肚后 聚餐尽兴后 满身酒气 未叫代驾 "
        "夜宵结束后 微醺之际 婚宴之后 醉意未消",
        verbs="驾驶 开着 驾驭 挪动 发动 驶出 启动 操控 骑乘 驱使",
        objects="小型轿车 越野车 面包车 二轮摩托 商务车 皮卡 三轮车 改装车 跑车 旅行车 "
        "吉普车 网约车",
        places="高架桥 收费站 环城路 卡点 立交桥 滨江大道 停车场 匝道",
        roles="代驾 执勤交警 酒友 服务员 护士 收费员",
        results="呼气测试超标 血液乙醇超标 抽血送检 被设卡查获 步态不稳 拒绝吹气 驾照被吊销 "
        "剐蹭护栏",
    ),
    _charge(
        "故意伤害",
        100,
        means="因琐事 持菜刀 抡起酒瓶 挥拳 持钢管 用砖头 拿板凳 抄起铁锹 因宅基地争执 "
        "用水果刀 因口角 扭打中",
        verbs="殴打 捅刺 砍伤 击打 打伤 扎伤 踢踹 划伤 砸中 刺中",
        objects="头部 腹部 左臂 面部 胸口 手腕 鼻骨 后背 眼眶 肩膀 大腿 耳廓",
        places="大排档 村口 台球厅 田埂 院坝 篮球场 楼道 晒谷场",
        roles="邻居 伤者 前夫 工友 妯娌 法医",
        results="构成轻伤二级 构成重伤 缝合十余针 鼻梁骨折 脾脏破裂 肌腱断裂 留下疤痕 听力下降",
    ),
    _charge(
        "走私、贩卖、运输、制造毒品",
        85,
        means="微信约定 当面交易 快递夹带 体内藏匿 电话联系 赊账 通过马仔 埋包 同城闪送 "
        "以茶叶罐伪装 事先谈好价格 分多次",
        verbs="出售 兜售 交付 倒卖 递送 贩运 转手 分装 押送 熬制",
        objects="冰毒 海洛因 麻古 摇头丸 氯胺酮 甲基苯丙胺 咖啡因 白色晶体 红色药丸 大麻 "
        "鸦片 可卡因",
        places="边境口岸 公厕 天桥下 宾馆大厅 加油站 巷口 火车站 物流站",
        roles="买家 下家 上线 特情 吸食者 快递员",
        results="收取毒资 称量净重 检出违禁成分 查获电子秤 以贩养吸 起获小包 人货俱获 毒赃转账",
    ),
    _charge(
        "诈骗",
        75,
        means="虚构身份 冒充军官 谎称投资 伪造合同 谎称中奖 以恋爱为名 编造患病 冒充客服 "
        "假借招工 以办入学为由 刷单返利 谎称有内部关系",
        verbs="骗取 骗得 诱得 骗走 哄得 套取 蒙取 诓走 糊弄走 坑走",
        objects="保证金 货款 彩礼 养老金 定金 手续费 学费 会费 诚意金 拆迁款 入股金 中介费",
        places="婚介所 写字楼 网络平台 老年公寓 直播间 招聘会 微信群 售楼部",
        roles="网友 受骗人 退休教师 会员 投资者 家长",
        results="失去联系 拉黑对方 用于还债 更换号码 关闭网站 携款跑路 写下欠条 无力归还",
    ),
    _charge(
        "交通肇事",
        65,
        means="超速 闯红灯 疲劳驾车 逆向 未让行 超载 雨天打滑 违章变道 低头看手机 未减速 "
        "强行超车 制动失灵",
        verbs="撞倒 碾压 追尾 刮倒 撞飞 碰撞 撞翻 剐倒 挤压 撞击",
        objects="行人 自行车 老年代步车 环卫工 横穿者 骑车人 婴儿车 隔离带 摩托车手 三轮车夫 "
        "路边摊 前车",
        places="斑马线 国道 十字路口 弯道 隧道 乡道 高速公路 坡道",
        roles="路人 货车司机 乘车人 死者家属 急救医生 保险员",
        results="当场身亡 抢救无效 弃车逃逸 负主要责任 颅脑损伤死亡 负全部责任 送医不治 遗留刹车痕",
    ),
    _charge(
        "寻衅滋事",
        55,
        means="无故 借故生非 纠集多人 耍威风 逞强 为泄愤 因插队 起哄 结伙 无端 为寻求刺激 仗着人多",
        verbs="辱骂 追逐 拦截 打砸 恐吓 推搡 戏弄 掀翻 围堵 毁坏",
        objects="餐桌 店面 玻璃门 路过青年 收银台 烧烤摊 招牌 保安 顾客 广告牌 售票窗口 垃圾桶",
        places="夜市 广场 酒吧 步行街 烧烤店 候车室 校门口 医院",
        roles="老板娘 围观者 保安队长 食客 学生 店员",
        results="秩序混乱 群众围观 摊位停业 影响恶劣 财物受损 顾客逃散 交通堵塞 多人轻微伤",
    ),
    _charge(
        "容留他人吸毒",
        50,
        means="提供房间 提供锡纸 自制冰壶 关上房门 轮流 邀约多人 拉上窗帘 提供吸管 "
        "以聚会为名 免费 彻夜 点燃烤灯",
        verbs="供人吸食 让人烫吸 容许吸用 陪同吸食 任由烤吸 放任吸用 招待吸食 供人享用 "
        "默许抽吸 组织品尝",
        objects="麻果 冰片 开心水 止咳水 烟弹 毒奶茶 神仙水 电子烟油 烫片 曲马多 笑气 蓝精灵",
        places="出租屋 卧室 酒店套房 包厢 轿车内 阁楼 自建房 民宿",
        roles="毒友 房客 前台 女友 瘾君子 同居者",
        results="尿检呈阳性 查获冰壶 提取到吸管 被行政拘留 强制戒毒 锡纸有残留 社区戒治 烟雾缭绕",
    ),
    _charge(
        "抢劫",
        45,
        means="持刀威胁 蒙面 捂住口鼻 掐住脖子 用胶带捆绑 使用电击器 持仿真枪 尾随入室 勒颈 "
        "喷辣椒水 压制反抗 按倒对方",
        verbs="劫取 抢走 夺下 搜走 逼交 劫走 强行拿走 洗劫 劫得 强取",
        objects="挎包 现金 金戒指 手提包 营业款 耳环 手表 银行卡 出租车 平板电脑 背包 金店柜台",
        places="小巷 便利店 金店 取款机旁 桥洞 电梯间 郊外 公园",
        roles="夜班店员 的哥 单身女子 晚归女工 值班员 夜跑者",
        results="骑车逃窜 逼问密码 戴头套逃离 被市民制伏 丢弃凶器 事后分赃 沿河逃匿 被害人呼救",
    ),
    _charge(
        "开设赌场",
        40,
        means="抽头渔利 租用民房 架设服务器 广发名片 雇人望风 设定赔率 代理网站 提供筹码 "
        "坐庄 轮流做东 建群拉人 定期换址",
        verbs="摆设 经营 组织 操办 设立 置办 供人玩 开办 运营 张罗",
        objects="百家乐 麻将桌 牌九 骰子 斗牛局 老虎机 捕鱼机 三公 盘口 德州扑克 炸金花 六合彩",
        places="棋牌室 农家乐 游戏厅 废弃厂房 茶楼 地下室 鱼塘边 山庄",
        roles="庄家 荷官 参赌人员 放贷人 望风者 股东",
        results="抽取水钱 日流水数万 查获筹码 按股分红 缴获牌具 放高利贷 账本被扣 聚集数十人",
    ),
    _charge(
        "非法持有、私藏枪支、弹药",
        35,
        means="网购零件后 自行组装后 从祖辈处继承 为打猎 花钱购得后 用油布包裹 以防身为由 "
        "改装后 捡拾后 未上缴 分解开来 瞒着家人",
        verbs="藏匿 存放 保管 收藏 埋藏 携有 私留 隐匿 藏起 留存",
        objects="鸟铳 气枪 铅弹 猎枪 射钉枪 霰弹 土铳 子弹 底火 钢珠枪 左轮手枪 弹匣",
        places="柴房 谷仓 衣柜 窝棚 床下 猪圈 地窖 房梁",
        roles="猎户 同村人 枪械鉴定人 护林员 祖父 铁匠",
        results="以火药为动力 具有杀伤力 试射成功 主动上缴 入户搜查起获 能够击发 口径为制式 "
        "用来打野鸡",
    ),
    _charge(
        "妨害公务",
        30,
        means="拒不配合 撕扯警服 拿石块 阻挠执法 驾车冲撞 煽动围观 张口咬人 泼粪 堵门 "
        "拒不下车 躺地撒泼 夺取警棍",
        verbs="拖拽 抓挠 顶撞 推倒 抗拒 围攻 谩骂 扯坏 阻拦 撕咬",
        objects="辅警 执法记录仪 城管 警车 执行法官 协警 警徽 警务通 传唤证 税务干部 "
        "拆违队员 计生干部",
        places="派出所 违建现场 拆迁现场 检查站 村委会 法院门口 农贸市场 临检点",
        roles="带班民警 所长 街道干部 执行员 副镇长 特警",
        results="民警手部受伤 执法中断 制服被撕破 警车受损 记录仪损坏 增援赶到 被强制传唤 肩章脱落",
    ),
    _charge(
        "信用卡诈骗",
        30,
        means="冒用他人身份 使用伪卡 套现 捡卡后 恶意透支 通过刷卡机 网上申领后 逾期不还 "
        "偷记密码 以卡养卡 虚填资料 换绑手机",
        verbs="刷取 透支 消费 取现 提取 套出 支用 刷卡支付 盗刷 划走",
        objects="额度 本金 卡内余额 分期款 循环额 最低还款额 白金卡 贷记卡 金卡 账单 预借款 授信",
        places="柜员机 银行网点 商户 发卡中心 信贷部 支付柜台 百货专柜 免税店",
        roles="持卡人 催收员 大堂经理 客户经理 柜员 收单员",
        results="经两次催收 超三个月未还 改变住址 逃避催收 电话停机 拖欠利息 征信不良 卡被冻结",
    ),
    _charge(
        "职务侵占",
        25,
        means="利用管理之便 虚报支出 做假账 收款不入账 伪造出库单 虚开收据 私刻公章 修改报表 "
        "多报工资 隐瞒销量 偷换标签 借出差之机",
        verbs="侵吞 私吞 截留 扣下 划转 私分 冒领 套领 吞没 挪走",
        objects="公司回款 库存钢材 油料 工程尾款 工资款 加盟费 物业费 备用金 配件 原材料 "
        "成品布 报销款",
        places="财务室 仓库 分公司 车间 营业部 项目部 门市 配送中心",
        roles="会计 出纳 总经理 仓管员 审计员 经销商",
        results="用于炒股 对账时发现 账实不符 填补亏空 购买彩票 审计查出差额 离职失踪 退还单位",
    ),
    _charge(
        "滥伐林木",
        25,
        means="未办许可 超出审批范围 雇工 用油锯 为开荒 超量 买下山林后 擅自 趁雨季 "
        "以抚育为名 砍小留大 连片",
        verbs="砍伐 采伐 锯倒 放倒 砍掉 伐除 清伐 间伐 锯断 砍倒",
        objects="杉木 松树 桉树 杨树 柏树 樟树 毛竹 桦木 栎树 槐树 马尾松 枫香",
        places="林班 山场 自留山 河滩地 荒坡 退耕地 林场 防护林",
        roles="护林站长 林农 木材商 油锯手 林业技术员 承包户",
        results="折合立木蓄积 树桩遍地 林地被毁 责令补种 运至木材厂 检尺材积 植被破坏 原木出售",
    ),
    _charge(
        "受贿",
        20,
        means="利用职权 在招标中 逢年过节 以借为名 帮助承揽 审批时 以合作为名 通过亲属 "
        "为人谋利 事前打招呼 验收时 分管期间",
        verbs="收受 笑纳 接受 收下 索取 收取 得到 索得 代收 收领",
        objects="好处费 购物卡 金条 感谢费 回扣 茅台酒 名表 字画 房产 干股 礼金 红包",
        places="办公室 招标会 茶室 局机关 会所 国土局 高尔夫球场 院长室",
        roles="开发商 承包商 包工头 局长 科长 供应商",
        results="谋取利益 违规拨款 纪委立案 加快审批 承接工程 上交廉政账户 调整规划 提拔任用",
    ),
    _charge(
        "非法拘禁",
        20,
        means="为讨债 强行拉上车 轮流看守 用手铐 没收手机 以传销名义 反锁房门 捆绑手脚 威逼 "
        "蒙眼 贴身跟随 假意邀请",
        verbs="关押 扣留 看管 限制 禁闭 软禁 困住 控制 锁住 囚住",
        objects="欠债人 债务人 债主儿子 新成员 借款者 客户 业务员 前妻 合伙人 司机 担保人 养殖户",
        places="宾馆房间 传销窝点 水库小屋 平房 铁笼 集装箱 废弃仓库 客房",
        roles="讨债者 看守 传销头目 债权人 借款人 解救者",
        results="长达三日 失去自由 伺机跳窗 逼写借条 不准外出 不给吃饭 随后被解救 超二十四小时",
    ),
    _charge(
        "敲诈勒索",
        18,
        means="以曝光相威胁 拍摄裸照 捏造绯闻 以举报为要挟 碰瓷 寄恐吓信 假扮记者 设仙人跳 "
        "扬言泼漆 散布隐私 自称黑社会 以发帖为由",
        verbs="索要 勒取 讹诈 强要 敲得 逼要 讹得 强索 迫付 要得",
        objects="封口费 赔偿金 保护费 删帖费 精神损失费 私了费 过路费 青春损失费 摆平费 "
        "平安费 误工费 茶水费",
        places="论坛 浴场 足疗店 沙场 停车位 快捷宾馆 货运市场 学校周边",
        roles="酒驾者 企业主 矿老板 网站编辑 有妇之夫 货主",
        results="被迫汇款 分期交付 再次威胁 惊恐不安 警方布控 发送视频 忍气吞声 交钱时被抓",
    ),
    _charge(
        "生产、销售假药",
        16,
        means="未经批准 手工灌装 贴牌 通过网店 购进原料后 无证 打着秘方旗号 私自加工 "
        "掺入面粉 添加西药 夸大疗效 冒用商标",
        verbs="配制 推销 批发 销往外地 售卖 压制 调配 邮寄 分销 发售",
        objects="减肥胶囊 壮阳药 风湿丸 肉毒素 玻尿酸 止痛贴 降糖片 哮喘散 美白针 药酒 "
        "蜂毒膏 狂犬疫苗",
        places="药店 诊所 美容院 保健品店 卫生室 集市 药材市场 作坊",
        roles="患者 药贩 药监人员 美容师 村医 药房老板",
        results="药监认定不合格 无批准文号 查扣空胶囊 检出西布曲明 服用后腹泻 窝点被捣毁 "
        "标签不符 收取药费",
    ),
    _charge(
        "放火",
        15,
        means="泼洒汽油 用打火机 点着稻草 因感情纠纷 为报复 扔火把 掀开被褥 浇煤油 受刺激后 "
        "怀恨在心 扔烟头 深夜潜入",
        verbs="点燃 焚烧 烧毁 引燃 烧着 烧坏 焚毁 燎着 烧掉 熏黑",
        objects="柴垛 窗帘 木屋 草料堆 轮胎 沙发 鸡棚 仓房 蔬菜大棚 秸秆 货车 电表箱",
        places="老宅 楼梯间 养殖场 祠堂 集体宿舍 玉米地 车棚 木材堆场",
        roles="消防员 守夜人 村民 前男友 目击者 房主",
        results="火势蔓延 消防扑灭 居民疏散 浓烟滚滚 化为灰烬 多人烧伤 过火面积较大 危及四邻",
    ),
)

# Below: what all charges share. A name in braces is a slot: a word of the charge, or of the lists
# here. "name" is the accused, the same throughout a document; the others are drawn each time.

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

# Words of another charge, in a sentence that charges nobody with anything.
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
