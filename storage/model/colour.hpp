// SPDX-License-Identifier: Apache-2.0
// What may stand as the school's colour: one rule for who reads site.toml and for who writes CSS.
#pragma once

#include <span>
#include <string_view>

namespace lyceum {

/// True for a colour that every browser of ours takes: "#rgb", "#rrggbb", a name of CSS in lower case ("teal"), or rgb(), hsl(),
/// hwb(), lab(), lch(), oklab(), oklch() with three numbers ("oklch(0.5 0.1 230)", "rgb(10, 20, 30)"); at most 48 bytes.
/// Source: CSS Color 4, sections 4 to 9.
bool is_colour(std::string_view text);

/// The 148 names of CSS Color 4, section 6.1, in order.
std::span<const std::string_view> colour_names();

} // namespace lyceum
