// SPDX-License-Identifier: Apache-2.0
#include "tests/views/pages/samples.hpp"
#include "views/pages/mailbox.hpp"

#include <stdexcept>

namespace lyceum::views::samples {
namespace {

const std::string code_elixir =
    R"(<pre tabindex="0" data-language="Elixir"><code class="language-elixir"><span class="hl kwa">defmodule</span> Counter <span class="hl kwa">do</span>
  <span class="hl kwb">use</span> GenServer  <span class="hl slc"># a process that keeps a number, and is started again when it falls over</span>

  <span class="hl kwa">def</span> <span class="hl kwd">handle_call</span>(<span class="hl str">:next</span>, _from, n), <span class="hl kwb">do</span><span class="hl opt">:</span> {<span class="hl str">:reply</span>, n, n <span class="hl opt">+</span> <span class="hl num">1</span>}
  <span class="hl kwa">def</span> <span class="hl kwd">handle_call</span>(<span class="hl str">:break</span>, _from, _n), <span class="hl kwb">do</span><span class="hl opt">:</span> <span class="hl kwe">raise</span> <span class="hl str">"as you wish: &lt;gone&gt;"</span>
<span class="hl kwa">end</span>
</code></pre>
)";

const std::string full_html =
    R"(<p>A program that never fails is not a program that was written well: it is one that nobody uses yet. What can be
chosen is <em>who notices</em>. In this lesson you break a part of the server that sends you this page, and
read on while <a href="/courses/let-it-crash/who-restarts-whom">its supervisor</a> replaces it<sup class="footnote-ref"><a href="#fn:1" id="fnref:1" role="doc-noteref">1</a></sup>.</p>
<h2 id="two-questions">Two questions</h2>
<p>Every part answers two questions before it may run: <code>what do you lose when you die?</code> and
<strong>who starts you again?</strong> Press <kbd>Ctrl</kbd> <kbd>C</kbd> to leave the terminal at any time.</p>
)" + code_elixir +
    R"(<blockquote><p>A fault in one request costs that request.</p></blockquote>
<h3 id="a-table">What each fault costs</h3>
<div class="table" role="region" tabindex="0" aria-label="Table"><table><thead><tr><th scope="col">Fault</th><th scope="col" class="align-right">Costs</th><th scope="col">Healed by</th></tr></thead>
<tbody><tr><td>A handler throws</td><td class="align-right">1 request</td><td>nobody: the session ends</td></tr>
<tr><td>A renderer dies</td><td class="align-right">0 requests</td><td><code>rendering</code>, within a millisecond or so</td></tr>
<tr><td>The process dies</td><td class="align-right">≈ 100 ms</td><td>the heart, which holds the sockets</td></tr></tbody></table></div>
<div class="callout tip" role="note"><p class="callout-title">Tip</p><p>Keep a second terminal open with <code>lyceum ctl tree</code>. It is the whole truth about what runs.</p></div>
<div class="callout warning" role="note"><p class="callout-title">Warning</p><p>Do not do this to a server that other people are learning from.</p></div>
<h2 id="try-it">Try it</h2>
<ul class="tasks"><li class="task"><label><input type="checkbox" disabled checked> Read the tree</label></li><li class="task"><label><input type="checkbox" disabled> Kill a renderer, <del>quietly</del> on purpose</label></li></ul>
<ol><li>Open a terminal.<ul><li>Any will do.</li></ul></li><li>Ask for the tree.</li></ol>
<pre tabindex="0" data-language="Shell"><code class="language-sh">lyceum ctl kill rendering/renderer-1 <span class="hl opt">&amp;&amp;</span> lyceum ctl tree <span class="hl slc"># a very long line that has to scroll because nobody wraps code behind the reader's back, ever</span>
</code></pre>
<figure><img src="/media/figure.svg" alt="Three boxes: heart, supervisor, worker" width="640" height="240"><figcaption>Rings of safety: each holds the one inside it.</figcaption></figure>
<h2 id="what-stays">What stays when a part is gone, and a heading that is long enough to take two lines</h2>
<p>Mailboxes are memory; tables are memory that survives.</p>
<section class="footnotes" role="doc-endnotes"><ol><li id="fn:1"><p>In a fresh state, never by patching the old one.</p><p class="footnote-back"><a href="#fnref:1" role="doc-backlink">↩</a></p></li></ol></section>
)";

const std::string full_free =
    R"(<p>A program that never fails is not a program that was written well.</p>
<h2 id="two-questions">Two questions</h2><p>Every part answers two questions before it may run.</p>)";

const unix_time some_day = from_micros(1'795'426'200'000'000); // 2026-11-23T09:30:00Z

media_file media(std::string key, std::string name, std::string type) {
  media_file out;
  out.key = std::move(key);
  out.name = std::move(name);
  out.content_type = std::move(type);
  return out;
}

std::vector<translation> translations(const std::string& title) {
  return {{"en", title}, {"de", title}, {"ar", title}, {"zh-hans", title}};
}

std::vector<lesson_entry> entries(const std::string& title) {
  std::vector<lesson_entry> out;
  const std::string slugs[] = {"break-something", "who-restarts-whom", "the-budget", "the-heart"};
  const std::string titles[] = {"Break something", "Who restarts whom, and why a supervisor never looks inside",
                                "The budget", title};
  for (int i = 0; i < 4; ++i) {
    lesson_entry e;
    e.slug = slugs[i];
    e.title = titles[i];
    e.summary = i == 2 ? "" : "Kill a renderer while you read, and watch the tree fill the gap within a millisecond.";
    e.position = i + 1;
    e.reading_minutes = 4 + i;
    e.has_video = i == 1;
    e.duration = std::chrono::seconds{i == 1 ? 150 : 0};
    if (i == 2)
      e.who = {access::kind::members, ""};
    out.push_back(e);
  }
  return out;
}

} // namespace

std::shared_ptr<const theme> strict_theme() {
  static const auto look = load_theme(std::nullopt, unknown_name::fails);
  if (!look)
    throw std::runtime_error{look.error().detail};
  return *look;
}

site_view site(std::string language, std::string base_url) {
  site_view view;
  view.look = strict_theme();
  view.site.title = "A School That Heals";
  view.site.description = "Learn to build software that keeps serving while its parts fail.";
  view.site.timezone = "Europe/Ljubljana";
  view.site.accent = "#a8431f";
  view.site.author = "Ada Lovelace";
  view.site.languages = {"en", "de", "ar", "zh-hans"};
  view.site.navigation = {{"Courses", "/courses"}, {"Articles", "/articles"}, {"About", "/about"}};
  view.base_url = std::move(base_url);
  view.language = std::move(language);
  view.now = some_day;
  return view;
}

course full_course(bool nasty, const std::string& language) {
  course c;
  c.slug = "let-it-crash";
  c.language = language;
  c.title = nasty ? nasty_title : "Let it crash";
  c.summary = nasty ? nasty_title : "Break this very server, part by part, and learn from how it heals.";
  c.tags = {"supervision"};
  c.updated_at = some_day;
  c.lessons = entries(nasty ? nasty_title : "The heart");
  c.translations = translations(c.title);
  return c;
}

lesson full_lesson(bool nasty, const std::string& language) {
  lesson l;
  l.slug = "who-restarts-whom";
  l.language = language;
  l.title = nasty ? nasty_title : "Who restarts whom, and why a supervisor never looks inside";
  l.summary = nasty ? nasty_title : "A tree of parts that watch each other.";
  l.author = nasty ? nasty_title : "Ada Lovelace";
  l.position = 2;
  l.tags = {"supervision", nasty ? nasty_title : "trees"};
  l.reading_minutes = 6;
  l.published_at = some_day;
  l.updated_at = some_day;
  l.course_slug = "let-it-crash";
  l.course_title = nasty ? nasty_title : "Let it crash";
  l.siblings = entries(nasty ? nasty_title : "The heart");
  l.translations = translations(l.title);
  video film;
  film.file = media("0123456789abcdef", nasty ? "a \"b\" <c>.mp4" : "tree.mp4", "video/mp4");
  film.poster = media("1123456789abcdef", "tree.jpg", "image/jpeg");
  film.captions = {{"en", media("2123456789abcdef", "tree.en.vtt", "text/vtt")},
                   {"de", media("3123456789abcdef", "tree.de.vtt", "text/vtt")}};
  film.duration = std::chrono::seconds{150};
  l.film = film;
  return l;
}

article full_article(bool nasty, const std::string& language) {
  article a;
  a.article_id = 4711;
  a.slug = "one-process";
  a.language = language;
  a.title = nasty ? nasty_title : "Why one process is enough";
  a.summary =
      nasty ? nasty_title : "A school is small. Its parts are many. Both are good reasons to keep them together.";
  a.author = nasty ? nasty_title : "Ada Lovelace";
  a.tags = {"design", nasty ? nasty_title : "supervision"};
  a.reading_minutes = 4;
  a.published_at = some_day;
  a.updated_at = some_day;
  a.translations = translations(a.title);
  return a;
}

rendered_text full_text() {
  rendered_text out;
  out.html = full_html;
  out.free_html = full_free;
  out.has_more = true;
  out.headings = {
      {2, "two-questions", "Two questions"},
      {3, "a-table", "What each fault costs"},
      {2, "try-it", "Try it"},
      {2, "what-stays", "What stays when a part is gone, and a heading that is long enough to take two lines"}};
  return out;
}

console_view full_console(bool nasty) {
  const std::string text = nasty ? nasty_title : "killed by an operator";
  console_view now;
  now.school = nasty ? nasty_title : "A school";
  now.tone = "wrong";
  now.headline = "Serving, but " + text;
  now.since = "since 14:03 UTC, 2 s";
  now.troubles = {{"content", "wrong", text, text, text}, {"cache/warmer", "passing", "suspended", "", "Resume it."}};
  now.figures = {{"requests", "Requests/s", "250"}};
  console_node root;
  root.path = root.name = "site";
  root.kind = "supervisor";
  root.state = "running";
  root.tone = "well";
  root.may_stop = false;
  console_node part = root;
  part.path = part.name = nasty ? nasty_title : "cache";
  part.level = 2;
  part.budget = 5;
  part.restarts = 2;
  part.restarts_text = "2 of 5 in 30 s";
  part.has_spark = true;
  part.spark = {1, 5, 3};
  part.may_stop = true;
  console_node down = part;
  down.path = "cache/warmer";
  down.name = "warmer";
  down.level = 3;
  down.kind = "worker";
  down.state = "down";
  down.tone = "quiet";
  down.under = true;
  down.note = down.about = down.more = text;
  down.has_spark = false;
  now.nodes = {root, part, down};
  now.crashes = {{"14:03:11", "cache/warmer", 3, "crash", text, text, text, 7},
                 {"14:03:12", "a", 1, "stuck", "", "", "", 1}};
  now.actions = {{"14:03:10", text, "kill cache", "ok"}};
  now.log = {"14:03:09  " + text};
  return now;
}

console_view empty_console() {
  console_view now;
  now.tone = "well";
  now.headline = "Everything is serving";
  now.nodes.emplace_back();
  return now;
}

course empty_course() {
  course c;
  c.slug = "c";
  c.language = "en";
  c.title = "Empty";
  return c;
}

lesson empty_lesson() {
  lesson l;
  l.slug = "l";
  l.language = "en";
  l.title = "Empty";
  l.course_slug = "c";
  l.course_title = "Course";
  return l;
}

article empty_article() {
  article a;
  a.slug = "a";
  a.language = "en";
  a.title = "Empty";
  return a;
}

static console_accounts some_accounts(bool nasty) {
  const auto text = [&](const char* plain) { return nasty ? nasty_title : std::string(plain); };
  return {.wrong = nasty ? nasty_title : "",
          .rows = {{"4711", text("ann@example.com"), text("Ann"), "learner", "2026-11-26 09:00 UTC", false},
                   {"4712", "ben@example.com", "", "operator", "2026-11-26 09:01 UTC", true}},
          .more = "/ops/accounts?after=4712",
          .roles = {{"All", "/ops/accounts"}, {"Learners", "/ops/accounts?role=learner"}}};
}

console_mails full_mails(bool nasty) {
  const auto word = [&](const char* plain) { return nasty ? nasty_title : std::string(plain); };
  console_mails made;
  made.headline = word("Mail goes to smtp.example:587");
  made.words = {word("the oldest mail waits since 14:03 UTC (12 min); 3 mails wait.")};
  made.tone = "wrong";
  made.wrong = nasty ? nasty_title : "";
  made.kinds = {
      {"",
       "",
       {{"1 failed", "wrong", "/ops/mail?state=failed", false}, {"12 sent", "well", "/ops/mail?state=sent", true}},
       true},
      {"sign_in", word("since 2026-11-26 14:03 UTC"), {}, false},
      {"welcome", "", {{"12 sent", "well", "/ops/mail?template=welcome&state=sent", false}}, false}};
  made.listed = word("Mails, newest first");
  made.rows = {{"4711", "welcome", word("ann@example.com"), "deferred", "passing",
                "made 2026-11-26 14:03 UTC, tried once, next try 2026-11-26 14:05 UTC",
                word("smtp.example:587 said 451 4.7.1 come back later")},
               {"4710", "sign_in", "ben@example.com", "sent", "well", "made 2026-11-26 14:02 UTC, tried once", ""}};
  made.older = "/ops/mail?before=4710";
  made.suppressed = {{word("gone@example.com"), "bounce: no such mailbox", "2026-11-26 14:03 UTC"}};
  return made;
}

console_mail one_mail(bool nasty) {
  return {"4711",
          nasty ? nasty_title : "welcome to ann@example.com",
          "deferred",
          "passing",
          nasty ? nasty_title : "smtp.example:587 said 451 4.7.1 come back later",
          {{"Tried", "once"}, {"Message-ID", nasty ? nasty_title : "<4711@school.example>"}},
          true,
          true};
}

console_account full_account(bool nasty) {
  const auto text = [&](const char* plain) { return nasty ? nasty_title : std::string(plain); };
  return {
      "4711",
      text("ann@example.com"),
      {{"Name", text("Ann")}, {"Reads", "what is public, for members and paid; plans: pro"}},
      {{"1", text("pro"), "gift", "for ever", text("thanks"), true}, {"2", "talks", "paypal", "revoked", "", false}},
      {{"3", text("Firefox on Linux"), "203.0.113.x", "2026-11-26 09:00", "2026-11-20 12:00"}},
      {{"2026-11-26 09:00", "server", "granted", text("pro (gift)")}}};
}

std::map<std::string, std::string> all_pages(bool nasty, const std::string& language) {
  const auto view = site(language);
  auto bare = site(language, "");
  bare.site = site_info{};
  const auto c = full_course(nasty, language);
  const auto l = full_lesson(nasty, language);
  const auto a = full_article(nasty, language);
  auto members_lesson = l;
  members_lesson.who = {access::kind::members, ""};
  auto plan_lesson = l;
  plan_lesson.who = {access::kind::plan, nasty ? nasty_title : "pro"};
  auto paid_article = a;
  paid_article.who = {access::kind::paid, ""};
  auto locked_course = c;
  locked_course.who = {access::kind::paid, ""};
  auto brief = full_text();
  brief.free_html.clear();
  brief.has_more = false;
  const viewer anyone;
  const auto& look = *view.look;
  const console_visitor operating{"Session 3f9a61c0", nasty ? nasty_title : "token", true, nasty},
      looking{"", "", false, false};
  console_question question{
      "cache", "stop", "Stop cache?", "Stop cache", {{"Touched", nasty ? nasty_title : "cache"}}, 3, true, ""};
  auto refused = question;
  refused.refused = nasty ? nasty_title : "That would lock you out.";
  const mailbox_mail kept{
      {"/dev/mailbox/4711", nasty ? nasty_title : "Sign in to A School", "ann@example.com", "sign_in", view.now},
      "school@localhost",
      "/dev/mailbox/4711/html",
      nasty ? nasty_title + "\nhttps://school.example/" + nasty_title
            : "Hello Ann,\n\nhttps://school.example/sign-in/" + std::string(120, 'x') + "\n",
      "Subject: Sign in\r\n\r\n" + std::string(200, 'x') + (nasty ? nasty_title : "")};
  std::map<std::string, std::string> pages{
      {"ops", console_page(look, full_console(nasty), operating, nasty ? nasty_title : "restart cache: done.")},
      {"ops-look", console_page(look, full_console(nasty), looking, "")},
      {"ops-empty", console_page(look, empty_console(), operating, "")},
      {"ops-ask", console_ask_page(look, question, operating, nasty ? nasty_title : "", {{"kill", "Kill"}})},
      {"ops-ask-refused", console_ask_page(look, refused, operating, "", {})},
      {"ops-accounts", console_accounts_page(look, some_accounts(nasty), operating, nasty ? nasty_title : "Done.")},
      {"ops-accounts-look", console_accounts_page(look, {.listed = false}, looking, "")},
      {"ops-accounts-empty", console_accounts_page(look, {}, operating, "")},
      {"ops-account", console_account_page(look, full_account(nasty), operating, nasty ? nasty_title : "given.")},
      {"ops-account-look", console_account_page(look, full_account(nasty), looking, "")},
      {"ops-account-empty", console_account_page(look, {}, operating, "")},
      {"ops-account-ask", console_data_ask_page(look,
                                                {"/ops/accounts/act",
                                                 "/ops/accounts?id=4711",
                                                 "Back to the account",
                                                 "Give pro to ann@example.com?",
                                                 "Give it",
                                                 true,
                                                 nasty ? nasty_title : "Its mail address",
                                                 {{"Note", nasty ? nasty_title : "invoice 12"}},
                                                 {{"op", "grant"}, {"note", nasty ? nasty_title : "invoice 12"}}},
                                                operating, nasty ? nasty_title : "")},
      {"ops-account-ask-look", console_data_ask_page(look, {.act = "/a", .back = "/a"}, looking, "No.")},
      {"ops-mails", console_mails_page(look, full_mails(nasty), operating, nasty ? nasty_title : "Queued: 4711.")},
      {"ops-mails-look", console_mails_page(look, full_mails(nasty), looking, "")},
      {"ops-mails-empty", console_mails_page(look, {.headline = "Mail goes to smtp.example:587"}, operating, "")},
      {"ops-mail", console_mail_page(look, one_mail(nasty), operating, nasty ? nasty_title : "Queued: 4711.")},
      {"ops-mail-look", console_mail_page(look, one_mail(nasty), looking, "")},
      {"ops-enter", console_door_page(look, true, nasty ? nasty_title : "")},
      {"ops-closed", console_door_page(look, false, "")},
      {"index", home_page(view, {c, locked_course}, {a, paid_article})},
      {"index-empty", home_page(bare, {}, {})},
      {"courses", courses_page(view, {c, locked_course})},
      {"courses-empty", courses_page(bare, {})},
      {"course", course_page(view, c, full_text(), anyone)},
      {"course-locked", course_page(view, locked_course, full_text(), anyone)},
      {"course-empty", course_page(bare, empty_course(), {}, anyone)},
      {"lesson", lesson_page(view, l, full_text(), anyone)},
      {"lesson-locked", lesson_page(view, members_lesson, full_text(), anyone)},
      {"lesson-summary", lesson_page(view, plan_lesson, brief, anyone)},
      {"lesson-empty", lesson_page(bare, empty_lesson(), {}, anyone)},
      {"articles", articles_page(view, {a, paid_article})},
      {"articles-empty", articles_page(bare, {})},
      {"article", article_page(view, a, full_text(), anyone)},
      {"article-locked", article_page(view, paid_article, brief, anyone)},
      {"article-empty", article_page(bare, empty_article(), {}, anyone)},
      {"about", standing_page(view, a, full_text(), anyone)},
      {"about-locked", standing_page(view, paid_article, full_text(), anyone)},
      {"about-empty", standing_page(bare, empty_article(), {}, anyone)},
      {"mailbox", mailbox_page(view, {kept.row, {}})},
      {"mailbox-empty", mailbox_page(bare, {})},
      {"mailbox-mail", mailbox_mail_page(view, kept)},
      {"mailbox-mail-plain", mailbox_mail_page(bare, {})},
      {"error-404", error_page(view, 404, "7f3a91c04e2b")},
      {"error-500", error_page(view, 500, nasty ? nasty_title : "7f3a91c04e2b")},
      {"error-503", error_page(bare, 503, "")},
      {"error-418", error_page(bare, 418, "")},
  };
  pages.merge(account_pages(nasty, language));
  return pages;
}

} // namespace lyceum::views::samples
