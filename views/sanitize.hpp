// SPDX-License-Identifier: Apache-2.0
// An allow-list for HTML: what is not listed is not let through.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views {

/// Which tags and attributes pass. `lesson` holds what our Markdown makes and what a trusted author may write besides;
/// `comment` only what a stranger's Markdown makes: no ids, no classes but ours, every link rel="nofollow ugc".
enum class allow_list { lesson, comment };

/// Well-formed HTML with nothing but listed tags, attributes, URL schemes (http, https, mailto, tel, none), classes and
/// ids. Tags that are not listed go and their content stays, except of those whose content is not text (script, style,
/// svg, template …): it goes too. What is no well-formed tag becomes text. Frames, and pictures and films of
/// other hosts, become links: a page loads from its own host alone. Linear in time; a result comes out of it unchanged.
std::string sanitize(std::string_view html, allow_list list);

/// Would a page that shows this address ask another host? True for all with a scheme or a host.
bool is_elsewhere(std::string_view url);

/// A frame's address and title.
struct frame {
  std::string src;
  std::string title;
};
/// The frames (`<iframe src>`) of some HTML, those with http or https addresses, at most 20.
std::vector<frame> frames_in(std::string_view html);

} // namespace lyceum::views
