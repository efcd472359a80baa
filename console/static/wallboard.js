// The wallboard follows /events: each event is a whole picture. Durations go on counting between pictures.
"use strict";

const STATES = {
  ready: ["空闲", "Ready"], ringing: ["振铃", "Ringing"], talking: ["通话", "Talking"],
  wrap_up: ["整理", "Wrap-up"], paused: ["小休", "Paused"], signed_out: ["未签入", "Signed out"],
};
const PARTS = { ami: "交换机连接中断 AMI down", database: "数据库不可用 Database down" };
const REASONS = { "no answer": "未接", busy: "忙", "phone does not ring": "不通", "set aside after two missed calls": "两次未接",
  "signed in, not ready yet": "未就绪" };
const DENSE_FROM = 48; // more seats than this: number and colour only, the rest when pointed at
const SILENT_MS = 25000; // the server speaks every 10 s at least

let picture = null;
let takenAt = 0;
let heardAt = 0;

const $ = (id) => document.getElementById(id);
const element = (name, text, data) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text; // textContent: names are text, whatever they hold
  if (data !== undefined) made.dataset.state = data;
  return made;
};
const clockText = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
};
// rounded down: 94.96 % is not 95 %
const percent = (ratio) => (ratio === null || ratio === undefined ? "–" : (Math.floor(ratio * 1000 + 1e-9) / 10).toFixed(1) + "%");
const seconds = (value) => (value === null || value === undefined ? "–" : value.toFixed(1));
const grown = (since) => since + (performance.now() - takenAt) / 1000;

function figure(id, text, mark) {
  $(id).querySelector("output").textContent = text;
  $(id).className = mark;
}

function drawFigures() {
  const { now, today, target } = picture;
  const limit = target.answer_within_s;
  const longest = now.waiting ? grown(now.longest_wait_s) : 0;
  const mark = longest > limit ? "bad" : longest > limit * 0.6 ? "warn" : "";
  figure("fig-waiting", now.waiting, now.waiting ? mark || "warn" : "good");
  figure("fig-longest", now.waiting ? clockText(longest) : "0:00", mark);
  figure("fig-talking", now.talking, "");
  $("target-label").textContent = `${limit}秒接通率`;
  const ratio = today ? today.ratio : null;
  figure("fig-ratio", percent(ratio), ratio === null ? "" : ratio >= target.ratio ? "good" : "bad");
  $("ratio-parts").textContent = today
    ? `${today.in_time} / ${today.judged} · 目标 target ${percent(target.ratio)} · 放弃 abandoned ${today.abandoned}`
    : "记录暂不可用 records unavailable";
  const lost = picture.lost_today;
  $("lost-parts").className = lost && lost.not_served ? "bad" : "";
  $("lost-parts").textContent = lost
    ? `今日未服务市民 not served ${lost.not_served} · 未接 lost ${lost.lost} · 已补接 served since ${lost.served}`
    : "";
}

function drawSeats() {
  const states = Object.keys(STATES).map((state) => {
    const item = element("li", STATES[state].join(" "), state);
    item.append(element("b", picture.now.seats[state] || 0));
    return item;
  });
  $("states").replaceChildren(...states);
  $("seats").replaceChildren(...picture.seats.map((seat) => {
    const item = element("li", undefined, seat.state);
    const label = (STATES[seat.state] || [seat.state])[0];
    const detail = seat.line || REASONS[seat.reason.replace("auto: ", "")] || seat.reason;
    const since = seat.agent === null ? "" : clockText(grown(seat.since_s));
    item.append(element("b", seat.seat), element("span", seat.name || seat.agent || "–"));
    item.append(element("span", `${label} ${since}${detail ? " · " + detail : ""}`));
    item.title = `${seat.seat} ${seat.name} ${label} ${since} ${seat.device} ${detail || ""}`;
    return item;
  }));
  $("seats").className = picture.seats.length > DENSE_FROM ? "dense" : "";
}

function drawLines() {
  $("lines").replaceChildren(...picture.lines.map((line) => {
    const row = element("tr");
    const day = line.today;
    const longest = line.waiting ? clockText(grown(line.longest_wait_s)) : "";
    const cells = [line.number, line.name, line.waiting ?? "", longest, line.talking ?? ""];
    cells.push(day ? day.offered : "–", day ? day.answered : "–", day ? day.abandoned : "–");
    for (const cell of cells) row.append(element("td", cell));
    const ratio = element("td", percent(day && day.ratio));
    if (day && day.ratio !== null) ratio.className = day.ratio >= picture.target.ratio ? "good" : "bad";
    row.append(ratio, element("td", seconds(day && day.p95_s)));
    if (line.waiting) row.className = "waiting";
    return row;
  }));
}

// one column an hour: the bar is who came, the mark who was expected
function drawForecast() {
  const day = picture.forecast;
  $("forecast-section").hidden = !day || day.total === null;
  if ($("forecast-section").hidden) return;
  $("forecast-parts").textContent =
    `${day.arrived} / ${Math.round(day.until_now)} · 全天预测 all day ${Math.round(day.total)}`;
  const top = Math.max(1, ...day.hours.flatMap((hour) => [hour.expected, hour.arrived || 0]));
  const piece = (kind, at, height, y) => {
    const made = document.createElementNS($("forecast").namespaceURI, "rect");
    const values = { class: kind, x: at * 10 + 1, y, width: 8, height };
    for (const [name, value] of Object.entries(values)) made.setAttribute(name, value);
    return made;
  };
  $("forecast").replaceChildren(...day.hours.flatMap((hour, at) => {
    const came = 38 * (hour.arrived || 0) / top;
    return [piece("came", at, came, 40 - came), piece("expected", at, 1, 39.5 - 38 * hour.expected / top)];
  }));
}

// four quarters of an hour from now on, and what the day will end at
function drawStaffing() {
  const told = picture.staffing;
  $("staffing-section").hidden = !told || told.why_none !== null;
  if ($("staffing-section").hidden) return;
  $("staffing-parts").textContent = `在岗 signed in ${told.signed_in}`;
  $("staffing").replaceChildren(...told.quarters.map(({ at, expected, needed, gap, rostered }) => {
    const item = element("li", at);
    item.className = gap === null ? "" : gap > 0 ? "bad" : "good";
    item.append(element("b", needed ?? "–"));
    if (gap !== null) item.append(element("span", gap > 0 ? `缺 short ${gap}` : `余 spare ${-gap}`));
    if (expected !== null) item.append(element("small", `来话 calls ${Math.round(expected)}`));
    if (rostered !== null) item.append(element("small", `排班 roster ${rostered}`));
    return item;
  }));
  const day = told.today;
  $("day-end").className = day.expected === null ? "" : day.expected >= day.target ? "good" : "bad";
  $("day-end").textContent = `预计今日 today will end at ${percent(day.expected)} (${day.formula}) · ` + (day.reachable
    ? `其余 ${day.to_come} 个中须及时接通 ${day.must} 个 of ${day.to_come} to come ${day.must} must be in time`
    : `目标已无法达到 target out of reach: ${percent(day.best)}`);
}

function drawNotices() {
  const { health } = picture;
  const texts = health.degraded.map((part) => PARTS[part] || part);
  $("alarms").replaceChildren(...picture.alarms.map((alarm) =>
    element("p", `紧急联动未接通 Emergency ${alarm.target}: ${alarm.reason} · ${new Date(alarm.raised_at * 1000).toLocaleTimeString()}`)));
  $("alarms").hidden = !picture.alarms.length;
  if (picture.dead_trunks.length) texts.push(`应急中继无应答 Emergency trunk down: ${picture.dead_trunks.join(" ")}`);
  if (picture.surge) texts.push(`高峰应急 Surge: ${picture.surge.reason}`);
  if (picture.suggestion) {
    const { at, percent: above } = picture.suggestion;
    texts.push(`来话超出预测，建议启动高峰应急 Above forecast since ${at}: +${above}% · hotline surge start`);
  }
  const gaps = picture.lines.filter((line) => line.duty && line.duty.gap);
  if (gaps.length) texts.push(`排班空缺，由值班座席受理 Roster gap: ${gaps.map((line) => line.number).join(" ")}`);
  const aside = picture.now.set_aside;
  if (aside.length) texts.push(`两次未接，座席停派，请查看 Set aside: ${aside.join(" ")}`);
  if (!health.serving) texts.push("本服务未接续来话 Not serving");
  $("notices").replaceChildren(...texts.map((text) => element("span", text)));
}

function link(state, text) {
  document.body.dataset.link = state;
  $("link-state").textContent = text;
}

function draw() {
  if (picture === null) return;
  drawNotices();
  drawFigures();
  drawSeats();
  drawLines();
  drawForecast();
  drawStaffing();
}

function everySecond() {
  $("clock").textContent = new Date().toLocaleTimeString("zh-CN", { hour12: false });
  if (heardAt && performance.now() - heardAt > SILENT_MS) link("lost", "连接中断 Connection lost");
  draw();
}

function follow() {
  const source = new EventSource("/events");
  source.onopen = () => { heardAt = performance.now(); };
  source.onmessage = (event) => {
    picture = JSON.parse(event.data);
    takenAt = heardAt = performance.now();
    link("live", "实时 Live");
    draw();
  };
  source.addEventListener("alive", () => { heardAt = performance.now(); });
  source.onerror = () => {
    link("lost", "连接中断 Connection lost");
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000); // refused, not merely cut
  };
}

setInterval(everySecond, 1000);
everySecond();
follow();
