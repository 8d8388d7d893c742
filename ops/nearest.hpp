// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lyceum {

/// Of `known`, the word that a person who typed `typed` most likely meant: the one with the fewest letters to change
/// (Damerau-Levenshtein, at most a third of the longer word, or what begins with `typed`). Empty: none is near.
std::string_view nearest(std::string_view typed, std::span<const std::string_view> known);

/// "; did you mean 'listen'?", or "" when nothing is near.
std::string did_you_mean(std::string_view typed, std::span<const std::string_view> known);

} // namespace lyceum
