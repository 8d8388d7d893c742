// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/write.hpp"

#include "views/markdown/code.hpp"

#include <algorithm>
#include <map>

namespace lyceum::views::markdown {
namespace {

/// Octets that cmark leaves alone in a link, besides letters and digits. '&' is left for the attribute's own escape.
bool stays_in_href(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != 0 && std::string_view("-_.+!*(),%#@?=;:/$~&'").find(static_cast<char>(c)) != std::string_view::npos);
}

std::string escape_href(std::string_view url) {
  constexpr const char* digits = "0123456789ABCDEF";
  std::string out;
  for (const char one : url) {
    const auto c = static_cast<unsigned char>(one);
    if (stays_in_href(c)) {
      out += one;
    } else {
      out += '%';
      out += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  return out;
}

constexpr std::string_view class_of(alignment align) {
  switch (align) {
  case alignment::left:
    return " class=\"align-left\"";
  case alignment::centre:
    return " class=\"align-center\"";
  case alignment::right:
    return " class=\"align-right\"";
  case alignment::none:
    break;
  }
  return "";
}

struct used_note {
  std::string_view label;
  int references = 0;
};

struct writer {
  const writing& how;
  bool& coloured;
  std::string out;
  std::size_t colours_left = 0;                    ///< bytes that colours may add
  std::vector<used_note> notes;                    ///< in the order of their first reference
  std::map<std::string_view, std::size_t> numbers; ///< of notes, by label
  bool over = false;

  void add(std::string_view html) {
    if (out.size() + html.size() > how.bytes_max)
      over = true;
    else
      out += html;
  }

  void text(std::string_view plain) {
    std::size_t from = 0;
    for (std::size_t at = plain.find_first_of("&<>\""); at != std::string_view::npos;
         at = plain.find_first_of("&<>\"", from)) {
      add(plain.substr(from, at - from));
      add(plain[at] == '&' ? "&amp;" : plain[at] == '<' ? "&lt;" : plain[at] == '>' ? "&gt;" : "&quot;");
      from = at + 1;
    }
    add(plain.substr(from));
  }

  void attribute(std::string_view name, std::string_view value) {
    add(" ");
    add(name);
    add("=\"");
    text(value);
    add("\"");
  }

  /// Blocks start on a line of their own.
  void line() {
    if (!out.empty() && out.back() != '\n')
      add("\n");
  }

  void blocks(const node& parent, bool tight = false) {
    for (const auto& child : parent.children)
      block(child, tight);
  }

  void block(const node& one, bool tight) {
    if (over)
      return;
    switch (one.what) {
    case kind::paragraph:
      return paragraph(one, tight);
    case kind::heading:
      return heading(one);
    case kind::quote:
      return quote(one);
    case kind::callout:
      return callout(one);
    case kind::list:
      return list(one);
    case kind::code_block:
      return code_block(one);
    case kind::table:
      return table(one);
    case kind::figure:
      return figure(one);
    case kind::rule:
      line();
      return add("<hr>\n");
    case kind::html_block:
      line();
      add(one.text);
      return line();
    default:
      return inlines(one); // `more` writes nothing
    }
  }

  void paragraph(const node& one, bool tight) {
    if (tight)
      return inlines(one);
    line();
    add("<p>");
    inlines(one);
    add("</p>\n");
  }

  void heading(const node& one) {
    const std::string name = "h" + std::to_string(one.number);
    line();
    add("<" + name);
    if (!one.title.empty())
      attribute("id", one.title);
    add(">");
    inlines(one);
    add("</" + name + ">\n");
  }

  void quote(const node& one) {
    line();
    add("<blockquote>\n");
    blocks(one);
    line();
    add("</blockquote>\n");
  }

  void callout(const node& one) {
    line();
    add("<div class=\"callout " + one.text + "\" role=\"note\">\n<p class=\"callout-title\">");
    text(one.title);
    add("</p>\n");
    blocks(one);
    line();
    add("</div>\n");
  }

  void list(const node& one) {
    const std::string_view name = one.ordered ? "ol" : "ul";
    const bool tasks =
        std::any_of(one.children.begin(), one.children.end(), [](const node& item) { return item.task; });
    line();
    add("<");
    add(name);
    if (tasks)
      add(" class=\"tasks\"");
    if (one.ordered && one.number != 1)
      attribute("start", std::to_string(one.number));
    add(">\n");
    for (const auto& child : one.children)
      item(child, one.tight);
    add("</");
    add(name);
    add(">\n");
  }

  void item(const node& one, bool tight) {
    line();
    if (!one.task) {
      add("<li>");
      blocks(one, tight);
      return add("</li>\n");
    }
    // The label gives the box its name; what follows the first paragraph stands outside.
    add("<li class=\"task\">");
    add(tight ? "<label>" : "\n<p><label>");
    add(one.done ? "<input type=\"checkbox\" checked disabled> " : "<input type=\"checkbox\" disabled> ");
    inlines(one.children.front());
    add(tight ? "</label>" : "</label></p>\n");
    for (std::size_t i = 1; i < one.children.size(); ++i)
      block(one.children[i], tight);
    add("</li>\n");
  }

  void code_block(const node& one) {
    const language* known = one.fenced ? find_language(one.title) : nullptr;
    line();
    add("<pre tabindex=\"0\"");
    if (known) {
      attribute("data-language", known->label);
      add("><code class=\"language-" + std::string(known->name) + "\">");
    } else {
      add("><code>");
    }
    code(one, known);
    add("</code></pre>\n");
  }

  void code(const node& one, const language* known) {
    const auto lines = one.fenced ? marked_lines(one.title) : std::vector<int>{};
    const std::string* colour = nullptr;
    if (known && how.colouring)
      if (const auto at = how.colouring->find(code_hash(known->name, one.text)); at != how.colouring->end())
        colour = &at->second;
    if (known && !colour)
      coloured = false;
    std::string coloured_code;
    if (colour && colour->size() <= colours_left)
      coloured_code = lines.empty() ? *colour : mark_lines(*colour, lines);
    if (!coloured_code.empty() && coloured_code.size() <= colours_left) {
      colours_left -= coloured_code.size();
      add(coloured_code);
    } else if (lines.empty()) {
      text(one.text);
    } else {
      writer plain{how, coloured, {}, 0, {}, {}, false};
      plain.text(one.text);
      over = over || plain.over;
      add(mark_lines(plain.out, lines));
    }
  }

  void table(const node& one) {
    line();
    std::string label;
    for (const auto& cell : one.children.front().children) {
      const std::string title = plain_text(cell);
      if (!title.empty() && label.size() + title.size() < 100)
        label += (label.empty() ? "" : ", ") + title;
    }
    // The box scrolls sideways, so a keyboard must reach it, and a screen reader name it.
    add("<div class=\"table\" role=\"region\" tabindex=\"0\"");
    attribute("aria-label", label.empty() ? "…" : label);
    add(">\n<table>\n<thead>\n");
    row(one.children.front(), "th");
    add("</thead>\n");
    if (one.children.size() > 1) {
      add("<tbody>\n");
      for (std::size_t i = 1; i < one.children.size(); ++i)
        row(one.children[i], "td");
      add("</tbody>\n");
    }
    add("</table>\n</div>\n");
  }

  void row(const node& one, std::string_view name) {
    add("<tr>\n");
    for (const auto& cell : one.children) {
      // An empty heading cell is no heading.
      const std::string_view tag = cell.children.empty() ? "td" : name;
      add("<");
      add(tag);
      if (tag == "th")
        add(" scope=\"col\"");
      add(class_of(cell.align));
      add(">");
      inlines(cell);
      add("</");
      add(tag);
      add(">\n");
    }
    add("</tr>\n");
  }

  void figure(const node& one) {
    line();
    add("<figure>\n");
    image(one.children.front(), false);
    add("\n<figcaption>");
    text(one.children.front().title);
    add("</figcaption>\n</figure>\n");
  }

  void inlines(const node& parent) {
    for (const auto& child : parent.children)
      if (!over)
        inline_node(child);
  }

  void inside(std::string_view tag, const node& one) {
    add("<");
    add(tag);
    add(">");
    inlines(one);
    add("</");
    add(tag);
    add(">");
  }

  void inline_node(const node& one) {
    switch (one.what) {
    case kind::text:
      return text(one.text);
    case kind::soft_break:
      return add("\n");
    case kind::line_break:
      return add("<br>\n");
    case kind::code:
      add("<code>");
      text(one.text);
      return add("</code>");
    case kind::html:
      return add(one.text);
    case kind::emphasis:
      return inside("em", one);
    case kind::strong:
      return inside("strong", one);
    case kind::strike:
      return inside("del", one);
    case kind::link:
      return link(one);
    case kind::image:
      return image(one, true);
    case kind::footnote_ref:
      return reference(one);
    default:
      return block(one, false);
    }
  }

  void link(const node& one) {
    add("<a");
    attribute("href", escape_href(one.url));
    if (!one.title.empty())
      attribute("title", one.title);
    if (!how.link_rel.empty())
      attribute("rel", how.link_rel);
    add(">");
    inlines(one);
    add("</a>");
  }

  void image(const node& one, bool with_title) {
    add("<img");
    attribute("src", escape_href(one.url));
    attribute("alt", plain_text(one));
    if (with_title && !one.title.empty())
      attribute("title", one.title);
    if (one.width > 0) { // its room is kept while it loads: nothing jumps
      attribute("width", std::to_string(one.width));
      attribute("height", std::to_string(one.height));
    }
    add(" loading=\"lazy\" decoding=\"async\">");
  }

  // --- footnotes: ids hold a ':', which no heading's anchor can ---

  static std::string suffix(int reference) { return reference > 1 ? ":" + std::to_string(reference) : std::string(); }

  void reference(const node& one) {
    const auto [at, fresh] = numbers.try_emplace(one.text, notes.size());
    if (fresh)
      notes.push_back({one.text, 0});
    auto& note = notes[at->second];
    ++note.references;
    const std::string number = std::to_string(at->second + 1);
    add("<sup class=\"footnote-ref\"><a href=\"#fn:" + number + "\" id=\"fnref:" + number + suffix(note.references) +
        "\" role=\"doc-noteref\">" + number + "</a></sup>");
  }

  void footnote_list() {
    if (notes.empty() || !how.notes)
      return;
    // Notes may refer to notes that nothing else refers to, so the list grows while it is written. The links back are
    // counted first: references inside notes come later than they could be listed.
    line();
    add("<section class=\"footnotes\" role=\"doc-endnotes\">\n<ol>\n");
    for (std::size_t i = 0; i < notes.size() && !over; ++i) {
      const auto found = how.notes->find(notes[i].label);
      add("<li id=\"fn:" + std::to_string(i + 1) + "\">\n");
      const int references = notes[i].references;
      if (found != how.notes->end())
        blocks(found->second.body);
      line();
      add("<p class=\"footnote-back\">");
      for (int n = 1; n <= references && !over; ++n) {
        add((n > 1 ? " <a href=\"#fnref:" : "<a href=\"#fnref:") + std::to_string(i + 1) + suffix(n) +
            "\" role=\"doc-backlink\">↩");
        add(n > 1 ? "<sup>" + std::to_string(n) + "</sup></a>" : "</a>");
      }
      add("</p>\n</li>\n");
    }
    add("</ol>\n</section>\n");
  }
};

} // namespace

expected<std::string> write(const node& root, const writing& how, bool& coloured) {
  std::size_t colours_left = 0;
  for (;;) {
    writer to{how, coloured, {}, colours_left, {}, {}, false};
    for (std::size_t i = 0; i < std::min(root.children.size(), how.children_max); ++i)
      to.block(root.children[i], false);
    to.footnote_list();
    if (to.over)
      return fail(problem::kind::too_large,
                  "the HTML would have more than " + std::to_string(how.bytes_max) + " bytes, eight times the text");
    // Once without colours: what they may take is what the text leaves.
    if (colours_left > 0 || !how.colouring || how.colouring->empty() || to.out.size() == how.bytes_max)
      return std::move(to.out);
    colours_left = how.bytes_max - to.out.size();
  }
}

} // namespace lyceum::views::markdown
