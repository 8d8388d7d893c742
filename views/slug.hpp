// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lyceum::views {

/// A heading's anchor by GitHub's rule: lower case, letters, marks, numbers, '_' and '-' of every script kept, each
/// space a
/// '-', the rest left out; at most 200 bytes. Empty when nothing is left.
/// Source: the behaviour of github.com, written down by its users in many clones of the rule.
std::string slug_of(std::string_view title);

/// Anchors of one text: the second "usage" is "usage-1".
class anchors {
public:
  /// `slug_of(title)`, "section" where that is empty, numbered until it is new.
  std::string add(std::string_view title);

private:
  std::map<std::string, int, std::less<>> taken_; // and the last number given for it
};

} // namespace lyceum::views
