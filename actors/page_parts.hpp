// SPDX-License-Identifier: Apache-2.0
// How a page's head is laid out: shared by those who build one. Not for others.
#pragma once

#include "actors/page.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace lyceum::page_parts {

/// The lines of a head, in order: those that a 304 lacks first, so that the 304's head is the end of the 200's.
struct head_lines {
  std::string_view content_type; ///< whole line with its CRLF, or empty
  std::string_view coding;       ///< "gzip", "br" or empty
  std::string_view etag;         ///< with its quotes
  std::string_view rest;         ///< all lines after ETag, with the empty line at the end
};

/// One buffer of head and body, and the views into it.
std::shared_ptr<const page_bytes> assemble(const head_lines&, std::string_view body);

/// The lines that `bytes` was assembled from, without its coding. Views into it.
head_lines lines_of(const page_bytes& bytes);

/// A strong ETag for a body: 128 bits of its SHA-256 and the coding's suffix.
std::string etag_of(std::string_view body);
/// `"abc"` and "br" give `"abc-br"`.
std::string etag_with_coding(std::string_view etag, std::string_view coding);

/// Empty where nothing was gained (less than a tenth) or the compressor failed.
std::string gzip(std::string_view body);
std::string brotli(std::string_view body, int quality);

} // namespace lyceum::page_parts
