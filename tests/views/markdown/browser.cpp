// SPDX-License-Identifier: Apache-2.0
#include "tests/views/markdown/browser.hpp"

#include "views/sanitize_rules.hpp"

#include <algorithm>
#include <functional>
#include <gumbo.h>
#include <memory>

namespace lyceum::tests {
namespace {

/// Calls `visit` for each node below the fragment's root, parents first.
void each_node(std::string_view html, const std::function<void(const GumboNode&)>& visit) {
  GumboOptions options = kGumboDefaultOptions;
  options.fragment_context = GUMBO_TAG_DIV;
  GumboOutput* output = gumbo_parse_with_options(&options, html.data(), html.size());
  std::vector<const GumboNode*> waiting{output->root};
  while (!waiting.empty()) {
    const GumboNode* node = waiting.back();
    waiting.pop_back();
    if (node != output->root)
      visit(*node);
    if (node->type != GUMBO_NODE_ELEMENT && node->type != GUMBO_NODE_TEMPLATE)
      continue;
    const auto& children = node->v.element.children;
    for (unsigned i = children.length; i > 0; --i)
      waiting.push_back(static_cast<const GumboNode*>(children.data[i - 1]));
  }
  gumbo_destroy_output(&options, output);
}

std::string name_of(const GumboElement& element) {
  const std::string_view prefix = element.tag_namespace == GUMBO_NAMESPACE_SVG      ? "svg:"
                                  : element.tag_namespace == GUMBO_NAMESPACE_MATHML ? "math:"
                                                                                    : "";
  if (element.tag != GUMBO_TAG_UNKNOWN)
    return std::string(prefix) + gumbo_normalized_tagname(element.tag);
  GumboStringPiece piece = element.original_tag;
  gumbo_tag_from_original_text(&piece);
  return std::string(prefix).append(piece.data, piece.length);
}

/// As a browser reads a link: nothing up to the first real character, no line ends and tabs anywhere.
std::string scheme_of(std::string_view url) {
  std::string scheme;
  for (const char c : url) {
    const auto u = static_cast<unsigned char>(c);
    if (u == '\t' || u == '\n' || u == '\r' || (scheme.empty() && u <= 0x20))
      continue;
    if (c == ':')
      return scheme;
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (!(small >= 'a' && small <= 'z') &&
        (scheme.empty() || std::string_view("0123456789+-.").find(c) == std::string_view::npos))
      return "";
    scheme += small;
  }
  return "";
}

} // namespace

std::vector<seen_element> seen_by_browser(std::string_view html) {
  std::vector<seen_element> seen;
  each_node(html, [&](const GumboNode& node) {
    if (node.type == GUMBO_NODE_COMMENT)
      seen.push_back({"#comment", {}});
    if (node.type != GUMBO_NODE_ELEMENT && node.type != GUMBO_NODE_TEMPLATE)
      return;
    seen_element one{name_of(node.v.element), {}};
    for (unsigned i = 0; i < node.v.element.attributes.length; ++i) {
      const auto* attribute = static_cast<const GumboAttribute*>(node.v.element.attributes.data[i]);
      one.attributes.emplace_back(attribute->name, attribute->value);
    }
    seen.push_back(std::move(one));
  });
  return seen;
}

std::vector<std::string> faults(std::string_view html, views::allow_list list) {
  using views::rules::is_listed;
  std::vector<std::string> found;
  for (const auto& one : seen_by_browser(html)) {
    const auto* tag = views::rules::find_tag(one.tag, list);
    if (!tag) {
      found.push_back("<" + one.tag + "> is not listed");
      continue;
    }
    for (const auto& [name, value] : one.attributes) {
      const bool forced = tag->name == "a" && name == "rel" && value == "nofollow ugc";
      if (!forced && !views::rules::allows_attribute(*tag, name, list))
        found.push_back(name + " of <" + one.tag + "> is not listed");
      if (name.starts_with("on") || name == "style" || name == "srcdoc" || name == "formaction")
        found.push_back(name + " of <" + one.tag + "> is never right");
      if (is_listed("href src cite poster", name) && !is_listed("http https mailto tel", scheme_of(value)) &&
          !scheme_of(value).empty())
        found.push_back("the scheme of " + value);
      if (name == "id" && list == views::allow_list::comment)
        found.push_back("an id in a comment: " + value);
    }
    const auto has = [&](std::string_view name) {
      return std::any_of(one.attributes.begin(), one.attributes.end(),
                         [&](const auto& pair) { return pair.first == name; });
    };
    if (one.tag == "input" && !has("disabled"))
      found.push_back("an <input> that takes input");
    if (one.tag == "a" && list == views::allow_list::comment && !has("rel"))
      found.push_back("a stranger's link that search engines follow");
  }
  return found;
}

std::string unbalanced(std::string_view html) {
  std::vector<std::string_view> open;
  for (auto at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    const auto end = html.find('>', at);
    if (end == std::string_view::npos)
      return "a tag without end";
    auto tag = html.substr(at + 1, end - at - 1);
    const bool closes = tag.starts_with('/');
    tag.remove_prefix(closes ? 1 : 0);
    const auto name = tag.substr(0, tag.find(' '));
    if (views::rules::is_listed("br hr img input col source track wbr", name))
      continue;
    if (!closes)
      open.push_back(name);
    else if (open.empty() || open.back() != name)
      return "</" + std::string(name) + "> closes " +
             (open.empty() ? std::string("nothing") : std::string(open.back()));
    else
      open.pop_back();
  }
  return open.empty() ? "" : "<" + std::string(open.back()) + "> is not closed";
}

std::string seen_text(std::string_view html) {
  std::string text;
  each_node(html, [&](const GumboNode& node) {
    if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE)
      text += node.v.text.text;
  });
  return text;
}

} // namespace lyceum::tests
