/**
 * Tells an address that mail can reach from what only looks like one: icon@2x.png, pkg@1.2.tgz, root@localhost.localdomain. The end of it
 * must be a country or one of the usual domains, and no name that RFC 2606 keeps for examples.
 */

const COUNTRIES = new Set(
  (
    'ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg ch ci ck cl cm ' +
    'cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw ' +
    'gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc ' +
    'md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt ' +
    'pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ' +
    'ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw'
  ).split(' '),
);
const DOMAINS = new Set(
  (
    'com net org edu gov mil int info biz name pro mobi asia tel xyz top vip club site online shop store app dev wang ren ltd group tech work ' +
    'ink icu cloud email fun live link art blog design wiki space website studio press news media world today life plus center company team ' +
    'run games cool chat fund law video social city beer red blue kim pub love host page one zone network systems engineering science academy'
  ).split(' '),
);
/** RFC 2606 and 6761, and names that stand for «yours». */
const RESERVED =
  /(?:^|\.)(?:example\.(?:com|net|org)|(?:your|my)-?(?:domain|company|site|host|server|mail|email|name|app|project)\.\w+|domain\.com|x{2,}\.\w+)$/i;

/** @param address with @, or with what people write for it: [at], (at), AT, # */
export function isMailHost(address: string): boolean {
  const host = /(?:@|#|[[( ]at[\]) ]) ?(.+)$/i.exec(address)?.[1] ?? '';
  const labels = host.replace(/ ?[[(]?\bdot\b[\])]? ?/gi, '.').split('.');
  const end = labels.at(-1)!.toLowerCase();
  if (!COUNTRIES.has(end) && !DOMAINS.has(end)) return false;
  // Versions and densities: 2x.sh, 1.5x.md; a name has a letter, but 163.com, 126.com, 139.com.
  if (/^\d+x$/i.test(labels[0]!) || labels.some((label) => label === '')) return false;
  return !RESERVED.test(labels.join('.'));
}
