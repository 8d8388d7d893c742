// SPDX-License-Identifier: Apache-2.0
// Small rules about text that content files must keep. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lyceum::storage {

/// Where the first byte stands that is not UTF-8 (RFC 3629: no surrogates, no overlong forms), if any.
std::optional<std::size_t> first_bad_utf8(std::string_view text);

/// The line, from 1, that a byte stands in.
int line_of(std::string_view text, std::size_t offset);

std::string_view trimmed(std::string_view text);
std::string lower_ascii(std::string_view text);

/// The candidate that is at most two letters (swapped, added, left out, replaced) away, if any.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

/// True for a BCP 47 tag as file names and site.toml may state one, in lower case: "fr", "zh-hans", "pt-br", "es-419".
bool is_language(std::string_view tag);

/// What is wrong with a slug, or an empty text. Slugs are letters (of any script), digits, '-', '_' and '.', at most 200 bytes.
std::string slug_fault(std::string_view slug);

/// True for what routes or languages need as the first part of a URL. `site_languages` are those in use: in an address they come
/// before a page of the same name, and what merely reads as a language ("faq", "our-team") is a page's.
bool is_reserved_page(std::string_view slug, std::span<const std::string> site_languages);

/// Minutes to read some Markdown: 200 words or 500 characters of Chinese, Japanese or Korean a minute; at least 1.
int reading_minutes(std::string_view markdown);

} // namespace lyceum::storage
