"""Define the style of the page: light, dark, and printed."""

from __future__ import annotations

from harness.report.html.markup import Markup

__all__ = ["STYLE"]

_COLOURS = """
:root{color-scheme:light dark;--bg:#fbfbf9;--card:#fff;--ink:#1d2126;--soft:#5c6570;--faint:#8b939d;
--rule:#e2e3df;--band:#f3f3f0;--win:#f8efcf;--lock:#4d7fc4;--pair:#0b7a75;--good:#1b7a48;--odd:#6a5a8c;
--fp:#b85c00;--mt:#b3261e;--st:#6b4fb8;--ot:#8a3b78;--fpc:224 122 20;--mtc:214 60 50;--stc:120 92 210;
--otc:170 70 150}
@media screen and (prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1a1e22;--ink:#e3e6e8;--soft:#a3acb5;
--faint:#78828c;--rule:#2c3237;--band:#1f2429;--win:#302b20;--lock:#6f9fdf;--pair:#4fc4bd;--good:#58c48a;
--odd:#b6a5dc;--fp:#f0a050;--mt:#ff8a80;--st:#b6a2fa;--ot:#e093cf;--fpc:240 150 60;--mtc:240 100 90;
--stc:150 125 245;--otc:210 110 190}}
"""

_PAGE = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue","Noto Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1330px;margin:0 auto;padding:40px 28px 64px}
h1,h2,h3,p,ol,ul,dl,dd,figure{margin:0;padding:0}
h2{font-size:20px;line-height:1.3;font-weight:650;margin:56px 0 4px;letter-spacing:-.01em}
h3{font-size:16px;line-height:1.4;font-weight:650;overflow-wrap:anywhere}
p,li,dd,td,th{overflow-wrap:anywhere}
a{color:inherit;text-decoration-color:var(--faint);text-underline-offset:2px}
code,.mono{font:.84em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.lead{color:var(--soft);margin:0 0 18px;max-width:56em}
.soft{color:var(--soft)}.small{font-size:14px}
.u{color:var(--mt);border-bottom:1px dotted;font-family:ui-monospace,Menlo,Consolas,
"DejaVu Sans Mono",monospace}
.over{font-size:13px;color:var(--soft);overflow-wrap:anywhere}
.answer{border-left:5px solid var(--tone);padding:2px 0 4px 20px;margin:10px 0 26px}
.answer h1{font-size:38px;line-height:1.15;font-weight:680;letter-spacing:-.02em;color:var(--tone)}
.answer p{max-width:48em;margin-top:8px}
.answer ul{list-style:none;margin-top:10px}.answer li{margin-top:4px}
.answer .failures{font-size:15px;line-height:1.35}.failures a{text-decoration:none}
.failures a:hover{text-decoration:underline}
.notes{margin-top:18px}.notes ul{list-style:none}
#only{margin:0 8px 0 0;accent-color:var(--mt)}#only+label{cursor:pointer}#only~.facts{margin-top:18px}
#only:checked~section .ok,#only:checked~.rest{display:none}
.good{--tone:var(--good)}.bad{--tone:var(--mt)}.known{--tone:var(--fp)}.odd{--tone:var(--odd)}
.facts{display:flex;flex-wrap:wrap;gap:14px 36px}
.facts dt{font-size:13px;color:var(--soft);line-height:1.4}
.facts dd{font-size:17px;font-weight:600;line-height:1.35}
.after{margin-top:14px}.scroll{overflow-x:auto;overscroll-behavior-x:contain}
.cmd{display:block;background:var(--band);border-radius:6px;padding:8px 12px;overflow-wrap:anywhere;
white-space:pre-wrap;margin-top:6px}
footer{margin-top:64px;padding-top:14px;border-top:1px solid var(--rule);color:var(--soft);font-size:14px}
"""

_TABLES = """
table{border-collapse:separate;border-spacing:0;font-size:14px;line-height:1.4}
th{font-weight:600;text-align:left}
table.plain{min-width:100%}
.plain th,.plain td{padding:5px 18px 5px 0;border-bottom:1px solid var(--rule);vertical-align:baseline}
.plain thead th{color:var(--soft);font-weight:500;font-size:13px;vertical-align:bottom}
.plain tbody th{font-weight:500}
.r2 tr>:nth-last-child(-n+2),.r6 tr>:nth-last-child(-n+6),.r5 tr>:nth-last-child(-n+5),
.r7 tr>:nth-last-child(-n+7),.r3 tr>:nth-last-child(-n+3),.r4 tr>:nth-last-child(-n+4){text-align:right;
white-space:nowrap}
.plain thead tr>th:nth-child(n){overflow-wrap:normal;white-space:normal}.plain th,.plain td{min-width:64px}
.mentions+.mentions{margin-top:24px}.mentions td:nth-child(3){min-width:130px}
.plain th:first-child{min-width:150px}.plain th+td{min-width:120px}
.heat th[scope=row]{position:sticky;left:0;background:var(--bg);padding:3px 16px 3px 0;font-weight:500;
min-width:min(190px,34vw);max-width:230px;z-index:1}
.dense td{min-width:36px!important}.dense{font-size:13px}
.heat thead th{padding:0 0 4px;vertical-align:bottom}
.heat thead th[colspan]{padding:0 10px 2px 3px;max-width:150px}
.heat thead th[rowspan]{padding-right:16px}
.heat thead tr+tr th{padding:0 5px 4px;font-weight:500;color:var(--soft);font-size:12px;text-align:center}
.heat td{min-width:58px;height:28px;padding:0 5px;text-align:center;border:1px solid var(--bg);
background:var(--band);border-radius:4px}
.heat td:empty::before{content:"·";color:var(--faint)}
.heat td.g,.heat th.g{border-left:10px solid var(--bg)}
.heat td.none{background:none}.heat td.none::before{content:""!important}
.heat td.x{box-shadow:inset 0 0 0 2px var(--mt);font-weight:700}
.heat td.where{text-align:left;padding-right:12px}.scroll+.scroll{margin-top:20px}
.heat td.q{box-shadow:inset 0 0 0 2px var(--odd)}
.heat td a{text-decoration:none}.heat .fn{display:none}
.f1{background:rgb(var(--fpc)/.14)!important}.f2{background:rgb(var(--fpc)/.28)!important}
.f3{background:rgb(var(--fpc)/.42)!important}.f4{background:rgb(var(--fpc)/.6)!important}
.m1{background:rgb(var(--mtc)/.14)!important}.m2{background:rgb(var(--mtc)/.26)!important}
.m3{background:rgb(var(--mtc)/.38)!important}.m4{background:rgb(var(--mtc)/.54)!important}
.s1{background:rgb(var(--stc)/.14)!important}.s2{background:rgb(var(--stc)/.26)!important}
.s3{background:rgb(var(--stc)/.38)!important}.s4{background:rgb(var(--stc)/.54)!important}
.o1,.o2,.o3,.o4{background:rgb(var(--otc)/.3)!important}
.key{display:flex;flex-wrap:wrap;gap:4px 22px;font-size:13px;color:var(--soft);margin-top:12px;
list-style:none}
.key i{display:inline-block;width:26px;height:14px;border-radius:3px;margin-right:7px;vertical-align:-2px;
background:var(--band)}
.key .x{box-shadow:inset 0 0 0 2px var(--mt)}.key .q{box-shadow:inset 0 0 0 2px var(--odd)}
"""

_STORIES = """
details>summary{cursor:pointer;padding:6px 0}details>summary::marker{color:var(--faint)}
article{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:20px 22px 22px;
margin-top:22px}
.tag{display:inline-block;font-size:13px;font-weight:650;color:var(--tone);margin-right:10px}
.false_positive{--tone:var(--fp)}.missed_takeover{--tone:var(--mt)}
.lost_entry,.altered_entry,.refused_write,.double_hold,.false_lock_error,.dead_end,.crash{--tone:var(--ot)}
.pairup{display:grid;grid-template-columns:minmax(0,1fr);gap:20px 36px;margin-top:16px}
@media(min-width:880px){.pairup.slim{grid-template-columns:max-content minmax(300px,1fr)}}
@media(min-width:1240px){.pairup.mid{grid-template-columns:max-content minmax(320px,1fr)}}
.tale{list-style:none;counter-reset:p;font-size:14.5px;line-height:1.5;max-width:46em}
.tale li{counter-increment:p;position:relative;padding:5px 0 5px 34px;border-top:1px solid var(--rule)}
.tale li:first-child{border-top:0}
.tale li::before{content:counter(p);position:absolute;left:0;width:22px;text-align:right;color:var(--faint);
font-size:13px;line-height:1.65}
.tale li.gap{counter-increment:none}.tale li.gap::before{content:""}
.tale b{font-weight:650}.tale .calls{color:var(--soft)}
.tale em{font-style:normal;color:var(--lock)}.tale em.change{color:var(--ink);font-weight:600}
.tale em.cause,.tale em.verdict,.tale em.fault{color:var(--tone);font-weight:650}
.tale em.outcome,.tale em.window{color:var(--ink)}
.code{font:12.5px/1.5 ui-monospace,monospace;margin:3px 0 0;color:var(--soft);overflow-x:auto}
.code div{white-space:pre}.code div b{color:var(--ink);font-weight:500}
.code .print{border-left:2px solid var(--rule);padding-left:8px}
.decides{border-left:3px solid var(--pair);padding:2px 0 2px 12px;margin-top:14px;font-size:14.5px;
max-width:46em}
.decides b{color:var(--pair)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(270px,100%),1fr));gap:26px 30px}
.charts h3{font-size:14px}.charts svg{max-width:340px}
"""

_PICTURES = """
svg{display:block}
svg text{fill:var(--ink);font:11.5px ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
white-space:pre;direction:ltr;unicode-bidi:isolate}
svg .mid{text-anchor:middle}svg .m{fill:var(--soft)}svg .n{fill:var(--faint);text-anchor:end}
svg .h{font-weight:700}svg .p{fill:var(--soft)}
.st .b{fill:var(--band);fill-opacity:.75}.st .l{stroke:var(--rule);stroke-width:1.5;fill:none}
.st .w{fill:var(--win);fill-opacity:.72}.st .y{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:4 3;
fill:none}
.st .o{fill:var(--card);stroke:var(--faint);stroke-width:1}.st .k{fill:var(--lock);fill-opacity:.75}
.st .d{stroke:var(--soft);stroke-width:5.4;stroke-linecap:round}
.st .de{fill:var(--ink)}.st .dc,.st .dv{fill:var(--tone)}
.st .df{stroke:var(--tone);stroke-width:2;fill:none}
.st text.c,.st text.v,.st text.f{fill:var(--tone);font-weight:700;stroke:none}
.st text.e{font-weight:700}
.st .c{stroke:var(--pair);stroke-width:1.6;fill:none}.st .r{stroke:var(--pair);stroke-width:2;fill:none}
.ch .ax{stroke:var(--rule);fill:none}.ch g path{stroke:var(--tone,var(--lock));stroke-width:1.8;fill:none;
stroke-linejoin:round;stroke-linecap:round}
.ch.many g path{stroke-width:1.1;stroke-opacity:.55}.ch .pt{fill:var(--tone,var(--lock))}
.ch .bar{fill:var(--lock)}.ch .md{stroke:var(--ink);stroke-width:1.5}
.ch text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.key svg{display:inline-block;vertical-align:-3px;margin-right:6px}
"""

_MEDIA = """
@media(max-width:640px){.code div{white-space:pre-wrap;overflow-wrap:anywhere}
main{padding:18px 16px 48px}.answer h1{font-size:26px}.answer{padding-left:14px;
margin-bottom:18px}.answer p,.answer .failures{font-size:14px}.answer .failures li{margin-top:3px}
.failures .soft{font-size:12px}.answer .many{font-size:13px;line-height:1.3}.answer .many li{margin-top:2px}
.many .soft{display:none}
article{padding:16px 14px 18px;margin-left:-6px;margin-right:-6px}h2{margin-top:44px}
.heat thead{display:none}.heat,.heat tbody{display:block}.heat tr{display:flex;flex-wrap:wrap;gap:4px 6px;
align-items:baseline;border-top:1px solid var(--rule);padding:5px 0}
.heat tr.ok{padding:2px 0}#only:checked~section .heat tr.ok{display:none}
.heat th[scope=row]{flex:1 0 100%;position:static;max-width:none;padding:0}
.heat tr.ok th[scope=row]{flex:0 1 auto}
.heat td{display:none}.heat td[data-k]{display:block;border:0;height:auto;padding:2px 7px;min-width:0}
.heat td[data-k]::before{content:attr(data-k) " "!important;color:var(--ink);font-weight:400}
.heat td.q:not([data-k]){display:block;border:0;height:auto;padding:2px 7px}
.heat td.q:not([data-k])::before{content:"not known"!important;color:var(--odd)}
.heat td.fn,.heat td.where{display:block;background:none;border:0;height:auto;padding:0;text-align:left;
min-width:0;color:var(--soft);overflow-wrap:anywhere}}
@media print{#only,#only+label{display:none}}
@media print{:root{--bg:#fff;--card:#fff}body{font-size:11pt}main{max-width:none;padding:0}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
article{border:0;padding:0;break-before:auto}h2,h3{break-after:avoid}tr,li{break-inside:avoid}
.scroll{overflow:visible}.st{max-width:100%;height:auto}.heat th[scope=row]{position:static}}
"""

STYLE = Markup((_COLOURS + _PAGE + _TABLES + _STORIES + _PICTURES + _MEDIA).replace("\n", ""))
