// SPDX-License-Identifier: Apache-2.0
#include "views/languages.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace lyceum::views {
namespace {

using name_row = std::pair<std::string_view, std::string_view>;

// In order of the tag, which is compared in lower case. Names as CLDR writes them, capitalised for a list.
// clang-format off: a table
constexpr auto names = std::to_array<name_row>({
    {"af", "Afrikaans"},
    {"am", "አማርኛ"},
    {"ar", "العربية"},
    {"az", "Azərbaycan"},
    {"be", "Беларуская"},
    {"bg", "Български"},
    {"bn", "বাংলা"},
    {"bs", "Bosanski"},
    {"ca", "Català"},
    {"cs", "Čeština"},
    {"cy", "Cymraeg"},
    {"da", "Dansk"},
    {"de", "Deutsch"},
    {"el", "Ελληνικά"},
    {"en", "English"},
    {"en-gb", "English (UK)"},
    {"en-us", "English (US)"},
    {"eo", "Esperanto"},
    {"es", "Español"},
    {"es-419", "Español (Latinoamérica)"},
    {"et", "Eesti"},
    {"eu", "Euskara"},
    {"fa", "فارسی"},
    {"fi", "Suomi"},
    {"fil", "Filipino"},
    {"fr", "Français"},
    {"ga", "Gaeilge"},
    {"gl", "Galego"},
    {"gu", "ગુજરાતી"},
    {"he", "עברית"},
    {"hi", "हिन्दी"},
    {"hr", "Hrvatski"},
    {"hu", "Magyar"},
    {"hy", "Հայերեն"},
    {"id", "Bahasa Indonesia"},
    {"is", "Íslenska"},
    {"it", "Italiano"},
    {"ja", "日本語"},
    {"ka", "ქართული"},
    {"kk", "Қазақ тілі"},
    {"km", "ខ្មែរ"},
    {"kn", "ಕನ್ನಡ"},
    {"ko", "한국어"},
    {"lt", "Lietuvių"},
    {"lv", "Latviešu"},
    {"mk", "Македонски"},
    {"ml", "മലയാളം"},
    {"mn", "Монгол"},
    {"mr", "मराठी"},
    {"ms", "Bahasa Melayu"},
    {"my", "မြန်မာ"},
    {"nb", "Norsk bokmål"},
    {"ne", "नेपाली"},
    {"nl", "Nederlands"},
    {"nn", "Norsk nynorsk"},
    {"no", "Norsk"},
    {"pa", "ਪੰਜਾਬੀ"},
    {"pl", "Polski"},
    {"ps", "پښتو"},
    {"pt", "Português"},
    {"pt-br", "Português (Brasil)"},
    {"ro", "Română"},
    {"ru", "Русский"},
    {"si", "සිංහල"},
    {"sk", "Slovenčina"},
    {"sl", "Slovenščina"},
    {"sq", "Shqip"},
    {"sr", "Српски"},
    {"sv", "Svenska"},
    {"sw", "Kiswahili"},
    {"ta", "தமிழ்"},
    {"te", "తెలుగు"},
    {"th", "ไทย"},
    {"tr", "Türkçe"},
    {"uk", "Українська"},
    {"ur", "اردو"},
    {"uz", "Oʻzbek"},
    {"vi", "Tiếng Việt"},
    {"yi", "ייִדיש"},
    {"yue", "粵語"},
    {"zh", "中文"},
    {"zh-hans", "简体中文"},
    {"zh-hant", "繁體中文"},
    {"zu", "isiZulu"},
});
// clang-format on
static_assert(std::is_sorted(names.begin(), names.end(), [](auto a, auto b) { return a.first < b.first; }));

constexpr auto right_to_left = std::to_array<std::string_view>(
    {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ku-arab", "ps", "sd", "syr", "ug", "ur", "yi"});
constexpr auto right_to_left_scripts =
    std::to_array<std::string_view>({"adlm", "arab", "hebr", "nkoo", "syrc", "thaa"});

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return out;
}

template <class Range>
bool holds(const Range& range, std::string_view word) {
  return std::find(range.begin(), range.end(), word) != range.end();
}

} // namespace

std::string native_name(std::string_view tag) {
  std::string wanted = lower(tag);
  while (!wanted.empty()) {
    const auto row = std::lower_bound(names.begin(), names.end(), wanted,
                                      [](const name_row& known, const std::string& t) { return known.first < t; });
    if (row != names.end() && row->first == wanted)
      return std::string{row->second};
    const auto cut = wanted.rfind('-');
    if (cut == std::string::npos)
      break;
    // "de-at" has no row of its own: say which one it is.
    wanted.resize(cut);
    const auto shorter = std::lower_bound(names.begin(), names.end(), wanted,
                                          [](const name_row& known, const std::string& t) { return known.first < t; });
    if (shorter != names.end() && shorter->first == wanted)
      return std::string{shorter->second} + " (" + canonical_tag(tag) + ")";
  }
  return canonical_tag(tag);
}

std::string_view direction(std::string_view tag) {
  const std::string all = lower(tag);
  std::string_view rest = all;
  const auto primary = rest.substr(0, rest.find('-'));
  while (!rest.empty()) {
    const auto cut = rest.find('-');
    const auto part = rest.substr(0, cut);
    if (part.size() == 4 && part.data() != all.data())
      return holds(right_to_left_scripts, part) ? "rtl" : "ltr";
    rest = cut == std::string_view::npos ? std::string_view{} : rest.substr(cut + 1);
  }
  return holds(right_to_left, all) || holds(right_to_left, primary) ? "rtl" : "ltr";
}

std::string canonical_tag(std::string_view tag) {
  // RFC 5646, section 2.1.1: two letters after the first part are a region, four a script.
  std::string out = lower(tag);
  std::size_t start = 0;
  while (start < out.size()) {
    const auto end = std::min(out.find('-', start), out.size());
    const auto upper_case = [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); };
    if (start > 0 && end - start == 4)
      out[start] = upper_case(out[start]);
    else if (start > 0 && end - start == 2)
      std::transform(out.begin() + static_cast<std::ptrdiff_t>(start), out.begin() + static_cast<std::ptrdiff_t>(end),
                     out.begin() + static_cast<std::ptrdiff_t>(start), upper_case);
    start = end + 1;
  }
  return out;
}

} // namespace lyceum::views
