// SPDX-License-Identifier: Apache-2.0
#include "storage/model/colour.hpp"

#include <algorithm>
#include <array>

namespace lyceum {
namespace {

constexpr std::size_t colour_bytes_max = 48;

constexpr auto names = std::to_array<std::string_view>({"aliceblue",
                                                        "antiquewhite",
                                                        "aqua",
                                                        "aquamarine",
                                                        "azure",
                                                        "beige",
                                                        "bisque",
                                                        "black",
                                                        "blanchedalmond",
                                                        "blue",
                                                        "blueviolet",
                                                        "brown",
                                                        "burlywood",
                                                        "cadetblue",
                                                        "chartreuse",
                                                        "chocolate",
                                                        "coral",
                                                        "cornflowerblue",
                                                        "cornsilk",
                                                        "crimson",
                                                        "cyan",
                                                        "darkblue",
                                                        "darkcyan",
                                                        "darkgoldenrod",
                                                        "darkgray",
                                                        "darkgreen",
                                                        "darkgrey",
                                                        "darkkhaki",
                                                        "darkmagenta",
                                                        "darkolivegreen",
                                                        "darkorange",
                                                        "darkorchid",
                                                        "darkred",
                                                        "darksalmon",
                                                        "darkseagreen",
                                                        "darkslateblue",
                                                        "darkslategray",
                                                        "darkslategrey",
                                                        "darkturquoise",
                                                        "darkviolet",
                                                        "deeppink",
                                                        "deepskyblue",
                                                        "dimgray",
                                                        "dimgrey",
                                                        "dodgerblue",
                                                        "firebrick",
                                                        "floralwhite",
                                                        "forestgreen",
                                                        "fuchsia",
                                                        "gainsboro",
                                                        "ghostwhite",
                                                        "gold",
                                                        "goldenrod",
                                                        "gray",
                                                        "green",
                                                        "greenyellow",
                                                        "grey",
                                                        "honeydew",
                                                        "hotpink",
                                                        "indianred",
                                                        "indigo",
                                                        "ivory",
                                                        "khaki",
                                                        "lavender",
                                                        "lavenderblush",
                                                        "lawngreen",
                                                        "lemonchiffon",
                                                        "lightblue",
                                                        "lightcoral",
                                                        "lightcyan",
                                                        "lightgoldenrodyellow",
                                                        "lightgray",
                                                        "lightgreen",
                                                        "lightgrey",
                                                        "lightpink",
                                                        "lightsalmon",
                                                        "lightseagreen",
                                                        "lightskyblue",
                                                        "lightslategray",
                                                        "lightslategrey",
                                                        "lightsteelblue",
                                                        "lightyellow",
                                                        "lime",
                                                        "limegreen",
                                                        "linen",
                                                        "magenta",
                                                        "maroon",
                                                        "mediumaquamarine",
                                                        "mediumblue",
                                                        "mediumorchid",
                                                        "mediumpurple",
                                                        "mediumseagreen",
                                                        "mediumslateblue",
                                                        "mediumspringgreen",
                                                        "mediumturquoise",
                                                        "mediumvioletred",
                                                        "midnightblue",
                                                        "mintcream",
                                                        "mistyrose",
                                                        "moccasin",
                                                        "navajowhite",
                                                        "navy",
                                                        "oldlace",
                                                        "olive",
                                                        "olivedrab",
                                                        "orange",
                                                        "orangered",
                                                        "orchid",
                                                        "palegoldenrod",
                                                        "palegreen",
                                                        "paleturquoise",
                                                        "palevioletred",
                                                        "papayawhip",
                                                        "peachpuff",
                                                        "peru",
                                                        "pink",
                                                        "plum",
                                                        "powderblue",
                                                        "purple",
                                                        "rebeccapurple",
                                                        "red",
                                                        "rosybrown",
                                                        "royalblue",
                                                        "saddlebrown",
                                                        "salmon",
                                                        "sandybrown",
                                                        "seagreen",
                                                        "seashell",
                                                        "sienna",
                                                        "silver",
                                                        "skyblue",
                                                        "slateblue",
                                                        "slategray",
                                                        "slategrey",
                                                        "snow",
                                                        "springgreen",
                                                        "steelblue",
                                                        "tan",
                                                        "teal",
                                                        "thistle",
                                                        "tomato",
                                                        "turquoise",
                                                        "violet",
                                                        "wheat",
                                                        "white",
                                                        "whitesmoke",
                                                        "yellow",
                                                        "yellowgreen"});
static_assert(names.size() == 148 && std::ranges::is_sorted(names));

// What each function wants of its three numbers: "%" a percentage, "." a plain number, "h" a hue (degrees, or plain), "?" either.
struct function {
  std::string_view name;
  std::string_view parts;
  bool commas = false; ///< also written with commas, as before CSS Color 4
};
constexpr auto functions = std::to_array<function>({{"rgb", "...", true},
                                                    {"hsl", "h%%", true},
                                                    {"hwb", "h%%"},
                                                    {"lab", "?.."},
                                                    {"lch", "?.h"},
                                                    {"oklab", "?.."},
                                                    {"oklch", "?.h"}});

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "-12.5%" as a number and what follows it; false where it starts with no number.
bool takes_number(std::string_view& text) {
  if (text.starts_with('-'))
    text.remove_prefix(1);
  bool digits = false, dot = false;
  while (!text.empty() && (is_digit(text.front()) || (text.front() == '.' && !dot))) {
    digits = is_digit(text.front());
    dot = dot || text.front() == '.';
    text.remove_prefix(1);
  }
  return digits;
}

bool is_part(std::string_view text, char wanted) {
  if (!takes_number(text))
    return false;
  switch (wanted) {
  case '%':
    return text == "%";
  case 'h':
    return text.empty() || text == "deg";
  case '?':
    return text.empty() || text == "%";
  default:
    return text.empty();
  }
}

bool is_function(std::string_view text) {
  const auto bracket = text.find('(');
  const auto* const known = std::ranges::find(functions, text.substr(0, bracket), &function::name);
  if (known == functions.end() || text.back() != ')')
    return false;
  auto inside = text.substr(bracket + 1, text.size() - bracket - 2);
  const char between = known->commas && inside.find(',') != std::string_view::npos ? ',' : ' ';
  for (std::size_t i = 0; i < known->parts.size(); ++i) {
    const bool last = i + 1 == known->parts.size();
    const auto end = last ? inside.size() : inside.find(between);
    if (end == std::string_view::npos || !is_part(inside.substr(0, end), known->parts[i]))
      return false;
    inside.remove_prefix(last ? end : end + 1);
    while (inside.starts_with(' '))
      inside.remove_prefix(1);
  }
  return inside.empty();
}

} // namespace

bool is_colour(std::string_view text) {
  if (text.empty() || text.size() > colour_bytes_max)
    return false;
  if (text.front() == '#')
    return (text.size() == 4 || text.size() == 7) &&
           text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos;
  if (text.find('(') != std::string_view::npos)
    return is_function(text);
  return std::ranges::binary_search(names, text);
}

std::span<const std::string_view> colour_names() {
  return names;
}

} // namespace lyceum
