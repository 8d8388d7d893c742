// SPDX-License-Identifier: Apache-2.0
// Any bytes as a lesson, a comment and as HTML: what comes out holds only the allow-list, is balanced, comes out of the
// sanitiser unchanged and within its bound. The first byte chooses whether HTML is trusted.
#include "views/highlight.hpp"
#include "views/markdown.hpp"
#include "views/sanitize.hpp"
#include "views/sanitize_rules.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace lyceum;
using views::allow_list;

namespace {

void require(bool holds, const char* what, std::string_view html) {
  if (holds)
    return;
  std::fprintf(stderr, "%s:\n%.*s\n", what, static_cast<int>(html.size()), html.data());
  std::abort();
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/// The one form that we write: <name a="v" b>. A plain reader of it, with no code of the sanitiser's.
void check_tags(std::string_view html, allow_list list) {
  std::vector<std::string_view> open;
  for (std::size_t p = html.find_first_of("<>"); p != std::string_view::npos; p = html.find_first_of("<>", p)) {
    require(html[p] == '<', "a bare >", html);
    const bool closes = p + 1 < html.size() && html[p + 1] == '/';
    std::size_t q = p + (closes ? 2 : 1);
    const auto from = q;
    while (q < html.size() && is_name(html[q]))
      ++q;
    const auto name = html.substr(from, q - from);
    const auto* tag = views::rules::find_tag(name, list);
    require(tag != nullptr, "a tag that is not listed", html);
    while (!closes && q < html.size() && html[q] == ' ') {
      const auto first = ++q;
      while (q < html.size() && is_name(html[q]))
        ++q;
      const auto attribute = html.substr(first, q - first);
      const bool ours = (attribute == "rel" && list == allow_list::comment) || attribute == "disabled";
      require(ours || views::rules::allows_attribute(*tag, attribute, list), "an attribute that is not listed", html);
      require(!attribute.starts_with("on") && attribute != "style", "an attribute that is never right", html);
      if (q < html.size() && html[q] == '=') {
        require(q + 1 < html.size() && html[q + 1] == '"', "a value without quotes", html);
        const auto end = html.find('"', q + 2);
        require(end != std::string_view::npos, "an open quote", html);
        const auto value = html.substr(q + 2, end - q - 2);
        require(value.find_first_of("<>") == std::string_view::npos, "an angle bracket in a value", html);
        if (attribute == "href" || attribute == "src")
          require(views::rules::is_safe_url(value, attribute == "src"), "a scheme that is not listed", html);
        q = end + 1;
      }
    }
    require(q < html.size() && html[q] == '>', "no end of a tag", html);
    if (closes) {
      require(!open.empty() && open.back() == name, "an end tag that closes nothing", html);
      open.pop_back();
    } else if (!tag->empty) {
      open.push_back(name);
    }
    p = q + 1;
  }
  require(open.empty(), "a tag that is not closed", html);
}

void check(std::string_view html, allow_list list) {
  check_tags(html, list);
  require(views::sanitize(html, list) == html, "a second pass changes it", html);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  render_input input;
  input.markdown = bytes.substr(1);
  input.base_path = "/courses/x/";
  input.media = {{"a.png", "/media/1/a.png"}};
  input.trusted_html = (data[0] & 1) != 0;
  if (const auto made = views::render_lesson(input)) {
    check(made->html, allow_list::lesson);
    check(made->free_html, allow_list::lesson);
    require(made->html.size() <= 8 * input.markdown.size() + 4096, "too long", made->html);
    if (!made->blocks.empty()) {
      const auto& block = made->blocks.front();
      const views::colours known = {{block.hash, views::checked_colours(block.code, block.code)}};
      if (const auto coloured = views::render_lesson(input, known))
        check(coloured->html, allow_list::lesson);
    }
  }
  if (const auto made = views::render_comment(input.markdown))
    check(made->html, allow_list::comment);
  check(views::sanitize(bytes, allow_list::lesson), allow_list::lesson);
  check(views::sanitize(bytes, allow_list::comment), allow_list::comment);
  return 0;
}
