// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/passes.hpp"
#include "views/sanitize.hpp"

#include <algorithm>
#include <array>

namespace lyceum::views::markdown {
namespace {

/// What a text may use without trust: tags that mean something to a reader and carry no attributes.
constexpr std::array<std::string_view, 16> bare_tags = {
    "<kbd>", "</kbd>", "<sub>", "</sub>", "<sup>", "</sup>", "<mark>", "</mark>",
    "<ins>", "</ins>", "<del>", "</del>", "<br>",  "<br/>",  "<br />", "<wbr>",
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  return out;
}

/// A frame as a link: its title where it has one, else its address.
node link_to(const frame& one) {
  node link = make_node(kind::link);
  link.url = one.src;
  link.children.push_back(make_node(kind::text, one.title.empty() ? one.src : one.title));
  return link;
}

void settle_inline(node& parent, bool trusted) {
  std::vector<node> kept;
  kept.reserve(parent.children.size());
  for (auto& child : parent.children) {
    if (child.what != kind::html) {
      kept.push_back(std::move(child));
      continue;
    }
    if (const auto frames = frames_in(child.text); !frames.empty() && parent.what != kind::link)
      kept.push_back(link_to(frames.front()));
    else if (trusted || std::find(bare_tags.begin(), bare_tags.end(), lower(child.text)) != bare_tags.end())
      kept.push_back(std::move(child));
  }
  parent.children = std::move(kept);
}

void settle_blocks(node& parent, bool trusted, int more_line) {
  std::vector<node> kept;
  kept.reserve(parent.children.size());
  for (auto& child : parent.children) {
    if (child.what != kind::html_block) {
      kept.push_back(std::move(child));
      continue;
    }
    if (more_line != 0 && child.first_line == more_line) {
      kept.push_back(make_node(kind::more));
      continue;
    }
    if (trusted)
      kept.push_back(std::move(child)); // the sanitiser turns its frames into links
    else
      for (const auto& one : frames_in(child.text)) {
        node paragraph = make_node(kind::paragraph);
        paragraph.children.push_back(link_to(one));
        kept.push_back(std::move(paragraph));
      }
  }
  parent.children = std::move(kept);
}

void settle(node& from, bool trusted, int more_line) {
  settle_blocks(from, trusted, more_line);
  settle_inline(from, trusted);
  for (auto& child : from.children)
    settle(child, trusted, 0); // a mark inside a quote or a list ends nothing
  // A paragraph that was nothing but dropped HTML.
  std::erase_if(from.children, [](const node& one) { return one.what == kind::paragraph && one.children.empty(); });
}

} // namespace

void settle_html(node& root, bool trusted, int more_line) {
  settle(root, trusted, more_line);
}

void link_to_remote_images(node& root) {
  for (auto& child : root.children) {
    if (child.what != kind::image || !is_elsewhere(child.url)) {
      link_to_remote_images(child);
      continue;
    }
    std::string words = plain_text(child);
    if (words.find_first_not_of(' ') == std::string::npos)
      words = !child.title.empty() ? child.title : root.what == kind::link ? root.url : child.url;
    child.children.clear();
    if (root.what == kind::link) {
      child = make_node(kind::text, std::move(words));
    } else {
      child.what = kind::link;
      child.children.push_back(make_node(kind::text, std::move(words)));
    }
  }
}

void settle_comment(node& root, bool in_link) {
  std::erase_if(root.children, [](const node& one) { return one.what == kind::html || one.what == kind::html_block; });
  for (auto& child : root.children) {
    if (child.what == kind::heading) {
      node strong = make_node(kind::strong);
      strong.children = std::move(child.children);
      child.what = kind::paragraph;
      child.children.clear();
      child.children.push_back(std::move(strong));
    } else if (child.what == kind::image && in_link) {
      child = make_node(kind::text, plain_text(child));
    } else if (child.what == kind::image) {
      // A stranger's image would tell its host who reads here: a link leaves that to the reader.
      child.what = kind::link;
    }
    settle_comment(child, in_link || child.what == kind::link);
  }
}

} // namespace lyceum::views::markdown
