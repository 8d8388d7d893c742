// SPDX-License-Identifier: Apache-2.0
#include "tests/views/markdown/browser.hpp"
#include "views/markdown.hpp"
#include "views/markdown/code.hpp"
#include "views/slug.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace lyceum;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

rendered_text lesson(std::string markdown, const views::colours& known = {}) {
  render_input input;
  input.markdown = std::move(markdown);
  input.base_path = "/courses/basics/";
  input.slugs = {{"03-enum", "enumerables"}, {"2018-04-02-news", "news"}};
  input.media = {{"diagram one.png", "/media/2/diagram%20one.png"},
                 {"diagram.png", "/media/1/diagram.png"},
                 {"tree.svg", "/media/3/tree.svg", 680, 300}};
  auto made = views::render_lesson(input, known);
  EXPECT_TRUE(made) << made.error().detail;
  return made.value_or(rendered_text{});
}

std::string html(std::string markdown) {
  return lesson(std::move(markdown)).html;
}

std::string trusted(std::string markdown) {
  render_input input;
  input.markdown = std::move(markdown);
  input.trusted_html = true;
  return views::render_lesson(input)->html;
}

std::string comment(std::string_view markdown) {
  return views::render_comment(markdown)->html;
}

std::string table(const std::string& label, const std::string& rows) {
  return "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"" + label + "\">\n<table>\n" + rows +
         "</table>\n</div>\n";
}

} // namespace

// --- tables ---

TEST(tables, have_a_head_and_rows_in_a_box_that_scrolls) {
  EXPECT_EQ(
      html("| a | b |\n|---|:-:|\n| 1 | *2* |\n"),
      table(
          "a, b",
          "<thead>\n<tr>\n<th scope=\"col\">a</th>\n<th scope=\"col\" class=\"align-center\">b</th>\n</tr>\n</thead>\n"
          "<tbody>\n<tr>\n<td>1</td>\n<td class=\"align-center\"><em>2</em></td>\n</tr>\n</tbody>\n"));
}

TEST(tables, need_no_pipes_at_the_ends_and_take_escaped_ones_as_text) {
  const auto made = html("a | b\n--|--\n`x \\| y` | z \\| w\n");
  EXPECT_THAT(made, HasSubstr("<td><code>x | y</code></td>\n<td>z | w</td>"));
}

TEST(tables, fill_short_rows_and_cut_long_ones) {
  const auto made = html("|a|b|\n|-|-|\n|1|\n|1|2|3|\n");
  EXPECT_THAT(made, HasSubstr("<td>1</td>\n<td></td>\n</tr>"));
  EXPECT_THAT(made, Not(HasSubstr("3")));
}

TEST(tables, need_as_many_dashes_as_heads) {
  EXPECT_EQ(html("|a|b|\n|-|\n"), "<p>|a|b|\n|-|</p>\n");
}

TEST(tables, are_not_what_stands_in_code) {
  EXPECT_THAT(html("```\n|a|\n|-|\n```\n"), Not(HasSubstr("<table>")));
  EXPECT_THAT(html("    |a|\n    |-|\n"), Not(HasSubstr("<table>")));
}

TEST(tables, find_link_definitions_that_stand_elsewhere_in_the_text) {
  EXPECT_THAT(html("|a|\n|-|\n| [x][ref] |\n\n[ref]: /there 'T'\n"),
              HasSubstr("<td><a href=\"/there\" title=\"T\">x</a></td>"));
}

TEST(tables, leave_the_lines_above_them_a_paragraph) {
  const auto made = html("First *line*\n    second\n|a|\n|-|\n|1|\n");
  EXPECT_TRUE(made.starts_with("<p>First <em>line</em>\nsecond</p>\n<div class=\"table\"")) << made;
}

TEST(tables, stand_in_quotes_and_lists) {
  EXPECT_THAT(html("> | q |\n> |---|\n> | 1 |\n"), HasSubstr("<td>1</td>"));
  EXPECT_THAT(html("- item\n\n  > | q |\n  > |---|\n  > | 1 |\n"), HasSubstr("<td>1</td>"));
  EXPECT_THAT(html("1. | q |\n   |---|\n   | 1 |\n"), HasSubstr("<td>1</td>"));
}

TEST(tables, keep_a_cell_a_cell_whatever_it_looks_like) {
  const auto made = html("| # h | - i | > q | 1. n |\n|-|-|-|-|\n|     code | ``` | *** | [x]: /y |\n");
  EXPECT_THAT(made, HasSubstr("<th scope=\"col\"># h</th>\n<th scope=\"col\">- i</th>\n<th scope=\"col\">&gt; q</th>"));
  EXPECT_THAT(made, HasSubstr("<td>code</td>\n<td>```</td>\n<td>***</td>\n<td>[x]: /y</td>"));
}

// --- strikethrough and tasks ---

TEST(strikethrough, spans_other_inlines) {
  EXPECT_EQ(html("~~gone **bold**~~ here"), "<p><del>gone <strong>bold</strong></del> here</p>\n");
}

TEST(strikethrough, needs_two_tildes_at_words_and_no_backslash) {
  EXPECT_EQ(html("~one~ \\~~two~~ ~~ three ~~ ~~~~ ~~~four~~~"), "<p>~one~ ~~two~~ ~~ three ~~ ~~~~ ~~~four~~~</p>\n");
}

TEST(strikethrough, leaves_code_alone) {
  EXPECT_EQ(html("`~~x~~` and `\\~`"), "<p><code>~~x~~</code> and <code>\\~</code></p>\n");
}

TEST(task_lists, have_boxes_that_their_text_names) {
  EXPECT_EQ(html("- [ ] to do\n- [x] done\n- other\n"),
            "<ul class=\"tasks\">\n<li class=\"task\"><label><input type=\"checkbox\" disabled> to do</label></li>\n"
            "<li class=\"task\"><label><input type=\"checkbox\" checked disabled> "
            "done</label></li>\n<li>other</li>\n</ul>\n");
}

TEST(task_lists, are_not_made_by_escaped_brackets_or_outside_lists) {
  EXPECT_EQ(html("- \\[ ] a\n"), "<ul>\n<li>[ ] a</li>\n</ul>\n");
  EXPECT_EQ(html("[ ] a\n"), "<p>[ ] a</p>\n");
}

// --- footnotes ---

TEST(footnotes, stand_at_the_end_and_lead_back) {
  EXPECT_EQ(
      html("Text[^n].\n\n[^n]: Note *here*.\n"),
      "<p>Text<sup class=\"footnote-ref\"><a href=\"#fn:1\" id=\"fnref:1\" role=\"doc-noteref\">1</a></sup>.</p>\n"
      "<section class=\"footnotes\" role=\"doc-endnotes\">\n<ol>\n<li id=\"fn:1\">\n<p>Note <em>here</em>.</p>\n"
      "<p class=\"footnote-back\"><a href=\"#fnref:1\" role=\"doc-backlink\">↩</a></p>\n</li>\n</ol>\n</section>\n");
}

TEST(footnotes, of_one_word_are_no_link_definitions) {
  const auto made = html("a[^1] b[^2]\n\n[^1]: Enumerable\n[^2]: Lazy Enumeration\n");
  EXPECT_THAT(made, HasSubstr("<p>Enumerable</p>"));
  EXPECT_THAT(made, HasSubstr("<p>Lazy Enumeration</p>"));
  EXPECT_THAT(made, Not(HasSubstr("href=\"Enumerable\"")));
}

TEST(footnotes, are_numbered_by_their_first_reference_and_lead_back_to_each) {
  const auto made = html("x[^b] y[^a] z[^b]\n\n[^a]: A\n[^b]: B\n");
  EXPECT_LT(made.find("<p>B</p>"), made.find("<p>A</p>"));
  EXPECT_THAT(made, HasSubstr("<a href=\"#fnref:1\" role=\"doc-backlink\">↩</a> <a href=\"#fnref:1:2\" "
                              "role=\"doc-backlink\">↩<sup>2</sup></a>"));
}

TEST(footnotes, take_the_indented_blocks_below_them) {
  EXPECT_THAT(html("x[^a]\n\n[^a]: One\n\n    Two\n\n    - three\n\nAfter\n"),
              HasSubstr("<p>One</p>\n<p>Two</p>\n<ul>\n<li>three</li>\n</ul>\n"));
}

TEST(footnotes, that_nothing_defines_or_refers_to_are_text_or_nothing) {
  EXPECT_EQ(html("x[^none] \\[^a]\n\n[^a]: A\n"), "<p>x[^none] [^a]</p>\n");
  EXPECT_EQ(html("`[^a]`\n\n```\n[^a]: A\n```\n\n[^a]: A\n"),
            "<p><code>[^a]</code></p>\n<pre tabindex=\"0\"><code>[^a]: A\n</code></pre>\n");
}

TEST(footnotes, may_refer_to_each_other_without_end) {
  const auto made = html("x[^a]\n\n[^a]: see[^b]\n[^b]: see[^a]\n");
  EXPECT_EQ(tests::unbalanced(made), "");
  EXPECT_THAT(made, HasSubstr("<li id=\"fn:2\">"));
}

// --- headings ---

TEST(headings, start_at_level_two_and_leave_no_level_out) {
  const auto made = lesson("# A\n### B\n### C\n## D\n###### E\n");
  EXPECT_THAT(made.headings, ElementsAre(heading{2, "a", "A"}, heading{3, "b", "B"}, heading{3, "c", "C"},
                                         heading{3, "d", "D"}, heading{4, "e", "E"}));
  EXPECT_THAT(made.html, HasSubstr("<h3 id=\"d\">D</h3>"));
}

TEST(headings, of_one_name_are_told_apart) {
  EXPECT_THAT(lesson("## Use\n## Use\n## Use 1\n## Use\n").headings,
              ElementsAre(heading{2, "use", "Use"}, heading{2, "use-1", "Use"}, heading{2, "use-1-1", "Use 1"},
                          heading{2, "use-2", "Use"}));
}

TEST(headings, list_their_text_without_markup) {
  EXPECT_THAT(lesson("## `Enum.map/2` & *co* [^1]\n\n[^1]: x\n").headings,
              ElementsAre(heading{2, "enummap2--co", "Enum.map/2 & co "}));
}

TEST(slugs, follow_githubs_rule) {
  EXPECT_EQ(views::slug_of("What's New? (v1.2)"), "whats-new-v12");
  EXPECT_EQ(views::slug_of("  Über_die ÄRA  "), "über_die-ära");
  EXPECT_EQ(views::slug_of("パターン マッチ"), "パターン-マッチ");
  EXPECT_EQ(views::slug_of("a  b - c"), "a--b---c");
  EXPECT_EQ(views::slug_of("Привет, мир!"), "привет-мир");
  EXPECT_EQ(views::slug_of("हिन्दी में"), "हिन्दी-में");
  EXPECT_EQ(views::slug_of("🎉"), "");
}

TEST(slugs, are_never_empty_and_never_long) {
  views::anchors ids;
  EXPECT_EQ(ids.add("!!!"), "section");
  EXPECT_EQ(ids.add("???"), "section-1");
  EXPECT_LE(ids.add(std::string(100'000, 'x')).size(), 204U);
}

// --- code ---

TEST(code, names_its_language_in_our_words) {
  EXPECT_EQ(html("``` Elixir\n1 < 2\n```\n"),
            "<pre tabindex=\"0\" data-language=\"Elixir\"><code class=\"language-elixir\">1 &lt; 2\n</code></pre>\n");
  EXPECT_THAT(html("```console\nls\n```\n"), HasSubstr("data-language=\"Shell\"><code class=\"language-sh\">"));
  EXPECT_EQ(html("```evil\" onclick=x\na\n```\n"), "<pre tabindex=\"0\"><code>a\n</code></pre>\n");
}

TEST(code, is_listed_by_the_hash_of_language_and_source) {
  const auto made = lesson("```ex\na\n```\n\n```\na\n```\n\n    not fenced\n");
  ASSERT_EQ(made.blocks.size(), 2U);
  EXPECT_EQ(made.blocks[0].language, "elixir");
  EXPECT_EQ(made.blocks[0].code, "a\n");
  // printf 'elixir\0a\n' | sha256sum
  EXPECT_EQ(made.blocks[0].hash, "4d070bdbb39b6023c8bc303a10986f82b24cab8a34663662a043ee18eb3a8dad");
  EXPECT_EQ(made.blocks[1].language, "");
  EXPECT_NE(made.blocks[0].hash, made.blocks[1].hash);
}

TEST(code, takes_its_colours_by_hash_and_says_when_some_are_missing) {
  const std::string text = "```ex\na\n```\n\n```ex\nb\n```\n";
  const auto plain = lesson(text);
  EXPECT_FALSE(plain.coloured);
  const views::colours one = {{plain.blocks[0].hash, "<span class=\"hl kwa\">a</span>\n"}};
  const auto half = lesson(text, one);
  EXPECT_FALSE(half.coloured);
  EXPECT_THAT(half.html, HasSubstr("<code class=\"language-elixir\"><span class=\"hl kwa\">a</span>\n</code>"));
  auto both = one;
  both[plain.blocks[1].hash] = "b\n";
  EXPECT_TRUE(lesson(text, both).coloured);
  EXPECT_TRUE(lesson("no code").coloured);
}

TEST(code, that_colours_would_make_too_long_stays_plain) {
  const std::string text = "```ex\na\n```\n";
  std::string flood;
  while (flood.size() < 8 * text.size() + 4096)
    flood += "<span class=\"hl kwa\">a</span>";
  EXPECT_THAT(lesson(text, {{lesson(text).blocks[0].hash, flood}}).html,
              HasSubstr("<code class=\"language-elixir\">a\n</code>"));
}

TEST(code, marks_lines_even_inside_a_coloured_string) {
  EXPECT_THAT(html("```ex {2}\na\nb\nc\n```\n"), HasSubstr(">a\n<mark class=\"line\">b\n</mark>c\n</code>"));
  EXPECT_EQ(views::markdown::mark_lines("<span class=\"hl str\">a\nb\nc</span>\n", {2}),
            "<span class=\"hl str\">a\n</span><mark class=\"line\"><span class=\"hl str\">b\n</span></mark><span "
            "class=\"hl str\">c</span>\n");
}

TEST(code, reads_marked_lines_or_none) {
  using views::markdown::marked_lines;
  EXPECT_THAT(marked_lines("elixir {1,3-5}"), ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(marked_lines("elixir {5, 1}"), ElementsAre(1, 5));
  for (const auto* wrong :
       {"elixir", "{", "{}", "{x}", "{0}", "{3-1}", "{1-999999999}", "{1;2}", "{-1}", "{99999999999}"})
    EXPECT_TRUE(marked_lines(wrong).empty()) << wrong;
}

// --- links, images, callouts, frames ---

TEST(links, go_to_lessons_by_their_slug) {
  EXPECT_THAT(html("[x](03-enum.md)"), HasSubstr("href=\"/courses/basics/enumerables\""));
  EXPECT_THAT(html("[x](04-other.md#part)"), HasSubstr("href=\"/courses/basics/other#part\""));
  EXPECT_THAT(html("[x](./other.md)"), HasSubstr("href=\"/courses/basics/other\""));
  EXPECT_THAT(html("[x](03-enum.zh-hans.md)"), HasSubstr("href=\"/courses/basics/enumerables\""));
  EXPECT_THAT(html("[x](course.md)"), HasSubstr("href=\"/courses/basics\""));
  EXPECT_THAT(html("[x]\n\n[x]: 2018-04-02-news.md"), HasSubstr("href=\"/courses/basics/news\""));
}

TEST(links, elsewhere_stay_as_written) {
  for (const std::string link : {"https://x.example/a.md", "/en/a.md", "../b/a.md", "#part", "//host/a.md", "a.html",
                                 "?q=a.md", "mailto:a@b.md"})
    EXPECT_THAT(html("[x](" + link + ")"), HasSubstr("href=\"" + link + "\"")) << link;
}

TEST(images, beside_the_text_are_found_and_wait_until_they_are_near) {
  EXPECT_EQ(html("![A *b*](diagram.png)"),
            "<p><img src=\"/media/1/diagram.png\" alt=\"A b\" loading=\"lazy\" decoding=\"async\"></p>\n");
  EXPECT_THAT(html("![](diagram%20one.png)"), HasSubstr("src=\"/media/2/diagram%20one.png\" alt=\"\""));
}

TEST(images, alone_with_a_title_are_figures) {
  EXPECT_EQ(html("![A](diagram.png \"The <tree>\")"),
            "<figure>\n<img src=\"/media/1/diagram.png\" alt=\"A\" loading=\"lazy\" "
            "decoding=\"async\">\n<figcaption>The &lt;tree&gt;</figcaption>\n</figure>\n");
}

TEST(images, keep_their_room_where_their_size_is_known) {
  EXPECT_THAT(html("![A](tree.svg \"T\")"),
              HasSubstr("src=\"/media/3/tree.svg\" alt=\"A\" width=\"680\" height=\"300\""));
}

TEST(images, of_other_hosts_become_links) {
  EXPECT_EQ(html("![A *b*](https://x.example/a.png \"T\")"),
            "<p><a href=\"https://x.example/a.png\" title=\"T\">A b</a></p>\n");
  EXPECT_EQ(html("![](//x.example/a.png)"), "<p><a href=\"//x.example/a.png\">//x.example/a.png</a></p>\n");
  EXPECT_EQ(html("[![](https://x.example/a.png)](https://y.example/)"),
            "<p><a href=\"https://y.example/\">https://y.example/</a></p>\n");
  EXPECT_EQ(html("[![Talk](https://x.example/a.png)](https://y.example/)"),
            "<p><a href=\"https://y.example/\">Talk</a></p>\n");
  EXPECT_THAT(html("![A](HTTPS:\\\\x.example)"), Not(HasSubstr("<img")));
  EXPECT_THAT(html("a\n\n![A](/local.png)"), HasSubstr("<img src=\"/local.png\""));
}

TEST(callouts, are_named_on_the_first_line_of_a_quote) {
  EXPECT_EQ(html("> [!NOTE]\n> Text\n"),
            "<div class=\"callout note\" role=\"note\">\n<p class=\"callout-title\">Note</p>\n<p>Text</p>\n</div>\n");
  EXPECT_THAT(html("> [!warning] Achtung & *mehr*\n>\n> Text\n"),
              HasSubstr("<p class=\"callout-title\">Achtung &amp; mehr</p>\n<p>Text</p>"));
  EXPECT_THAT(html("> [!OTHER]\n> x\n"), HasSubstr("<blockquote>"));
  EXPECT_THAT(html("> \\[!NOTE]\n> x\n"), HasSubstr("<blockquote>"));
}

TEST(frames, become_links) {
  EXPECT_EQ(html("<iframe src=\"https://v.example/e/1\" title=\"Talk\"></iframe>\n"),
            "<p><a href=\"https://v.example/e/1\">Talk</a></p>\n");
  EXPECT_EQ(html("<iframe src=\"javascript:alert(1)\"></iframe>\n"), "");
}

TEST(raw_html, is_dropped_without_trust_but_for_bare_tags) {
  EXPECT_EQ(html("a <kbd>Ctrl</kbd> <span class=\"x\">b</span> <kbd onclick=\"x\">c</kbd>\n\n<div>\nlost\n</div>\n"),
            "<p>a <kbd>Ctrl</kbd> b c</p>\n");
  EXPECT_EQ(html("a <kbd>open\n\nb"), "<p>a <kbd>open</kbd></p>\n<p>b</p>\n");
}

TEST(raw_html, of_a_trusted_author_still_passes_the_allow_list) {
  EXPECT_EQ(trusted("<div onclick=\"x\">\n\n*a*\n\n</div>\n<script>alert(1)</script>\n"),
            "<div>\n<p><em>a</em></p>\n</div>\n\n");
}

TEST(links, to_files_of_other_folders_are_files_too) {
  render_input input;
  input.base_path = "/courses/basics/";
  input.media = {{"../../media/a.png", "/media/1/a.png", 4, 3},
                 {"/media/b.pdf", "/media/2/b.pdf"},
                 {"images/c.png", "/media/3/c.png"}};
  input.markdown = "![a](../../media/a.png) [b](/media/b.pdf#page=2) ![c](./images/c.png) [d](/about) [e](../x.md)";
  const auto html = views::render_lesson(input)->html;
  for (const auto* url : {"src=\"/media/1/a.png\"", "href=\"/media/2/b.pdf#page=2\"", "src=\"/media/3/c.png\"",
                          "href=\"/about\"", "href=\"../x.md\""})
    EXPECT_THAT(html, HasSubstr(url));
}

// --- the free part ---

TEST(more, ends_the_free_part) {
  const auto made = lesson("Free[^1] ~~x~~\n\n<!-- more -->\n\nPaid\n\n[^1]: Note\n");
  EXPECT_TRUE(made.has_more);
  EXPECT_THAT(made.html, HasSubstr("Paid"));
  EXPECT_THAT(made.free_html, HasSubstr("<p>Note</p>"));
  EXPECT_THAT(made.free_html, Not(HasSubstr("Paid")));
  EXPECT_EQ(tests::unbalanced(made.free_html), "");
}

TEST(more, shows_no_note_that_only_the_paid_part_refers_to) {
  EXPECT_EQ(lesson("Free\n\n<!--more-->\n\nPaid[^1]\n\n[^1]: Secret\n").free_html, "<p>Free</p>\n");
}

TEST(more, counts_only_at_the_top) {
  for (const std::string text : {"> a\n>\n> <!-- more -->\n>\n> b\n", "- a\n\n  <!-- more -->\n",
                                 "```\n<!-- more -->\n```\n", "a <!-- more --> b\n", "<!-- more or less -->\n"}) {
    const auto made = lesson(text);
    EXPECT_FALSE(made.has_more) << text;
    EXPECT_EQ(made.free_html, "") << text;
  }
}

// --- comments ---

TEST(comments, have_links_that_search_engines_do_not_follow) {
  EXPECT_EQ(comment("[x](http://a.example)"), "<p><a href=\"http://a.example\" rel=\"nofollow ugc\">x</a></p>\n");
}

TEST(comments, have_no_html_no_anchors_no_images_no_notes) {
  EXPECT_EQ(comment("# Big\n<kbd>a</kbd> ![pic](http://spy.example/p.png)[^1]\n\n[^1]: /n\n"),
            "<p><strong>Big</strong></p>\n<p>a <a href=\"http://spy.example/p.png\" rel=\"nofollow "
            "ugc\">pic</a>[^1]</p>\n<p>[^1]: /n</p>\n");
}

TEST(comments, have_code_tables_and_tasks) {
  EXPECT_THAT(comment("```ex\na\n```"),
              HasSubstr("<pre tabindex=\"0\" data-language=\"Elixir\"><code class=\"language-elixir\">a"));
  EXPECT_THAT(comment("|a|\n|-|\n|1|"), HasSubstr("<table>"));
  EXPECT_THAT(comment("- [x] a"), HasSubstr("checkbox"));
}

// --- what is refused ---

TEST(limits, name_what_is_too_large) {
  render_input input;
  input.markdown.assign(300 * 1024, 'a');
  EXPECT_EQ(views::render_lesson(input).error().what, problem::kind::too_large);
  EXPECT_EQ(views::render_comment(std::string(8 * 1024 + 1, 'a')).error().what, problem::kind::too_large);
  EXPECT_TRUE(views::render_comment(std::string(8 * 1024, 'a')));
}

TEST(limits, take_twenty_containers_and_no_more) {
  const auto quotes = [](std::size_t n) {
    render_input input;
    for (std::size_t i = 0; i < n; ++i)
      input.markdown += "> ";
    input.markdown += "deep";
    return views::render_lesson(input);
  };
  EXPECT_TRUE(quotes(20));
  EXPECT_EQ(quotes(21).error().what, problem::kind::too_large);
}

TEST(limits, say_on_which_line) {
  const auto refused = [](std::string markdown) {
    render_input input;
    input.markdown = std::move(markdown);
    const auto no = views::refusal_of(input);
    return no ? std::to_string(no->line) + ": " + no->why : "";
  };
  std::string head, dashes, quotes;
  for (int i = 0; i < 300; ++i)
    head += "|a", dashes += "|-";
  for (int i = 0; i < 30; ++i)
    quotes += "> ";
  EXPECT_EQ(refused("fine"), "");
  EXPECT_EQ(refused("a\n\n" + head + "|\n" + dashes + "|\n"), "3: this line begins a table of more than 256 columns");
  EXPECT_EQ(refused("a\n\nb\n\n" + quotes + "deep"), "5: this line nests more than 20 quotes and lists");
  EXPECT_THAT(refused(std::string(300 * 1024, 'a')), testing::StartsWith("0: the text has "));
}

TEST(limits, refuse_what_is_not_utf_8) {
  for (const std::string wrong : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    render_input input;
    input.markdown = wrong;
    EXPECT_EQ(views::render_lesson(input).error().what, problem::kind::invalid);
  }
}

TEST(limits, take_the_odd_bytes_that_are_allowed) {
  EXPECT_EQ(html(std::string("a\0b\r\nc\rd", 8)), "<p>a\xEF\xBF\xBD"
                                                  "b\nc\nd</p>\n");
  EXPECT_EQ(html("\xEF\xBB\xBF# T"), "<h2 id=\"t\">T</h2>\n");
  EXPECT_EQ(html(""), "");
  EXPECT_EQ(html("\xF0\x90\xA9\xBF \\~"), "<p>\xF0\x90\xA9\xBF ~</p>\n"); // a character that is a mark elsewhere
}
