// SPDX-License-Identifier: Apache-2.0
// The school's accent as mail programs understand colours. Private to views/.
#pragma once

#include <string>
#include <string_view>

namespace lyceum::views::mail {

/// "#rrggbb" each: `light` carries near-white text and stands on light paper, `dark` carries near-black text and stands on dark
/// paper, both with a contrast of 4.5 at least (WCAG 2.2, 1.4.3).
struct accent {
  std::string light;
  std::string dark;
};

inline constexpr std::string_view light_paper = "#fbfaf7";
inline constexpr std::string_view dark_paper = "#16181d";

/// A school's colour, moved to where it can be read, as site.css does with it. Understands "#rgb", "#rrggbb", rgb() and oklch();
/// for other words of CSS, and for none, it is our own accent. Mail programs know neither oklch() nor custom properties.
/// Source: Björn Ottosson, "A perceptual color space for image processing", 2020, for the matrices.
accent accent_of(std::string_view colour);

} // namespace lyceum::views::mail
