// SPDX-License-Identifier: Apache-2.0
// The compressors: zlib and brotli appear here alone.
#include "actors/page_parts.hpp"

#include <brotli/encode.h>
#include <cstdint>
#include <zlib.h>

namespace lyceum {
namespace {

constexpr std::size_t worth_it_from = 1024; // smaller bodies fit in one packet either way

bool worth_it(std::size_t made, std::size_t from) {
  return made > 0 && made <= from - from / 10;
}

std::shared_ptr<const page_bytes> encoding(const page& of, std::string_view coding, const std::string& body) {
  if (body.empty())
    return nullptr;
  auto lines = page_parts::lines_of(*of.identity);
  auto etag = page_parts::etag_with_coding(lines.etag, coding);
  lines.coding = coding;
  lines.etag = etag;
  return page_parts::assemble(lines, body);
}

} // namespace

page_ptr with_encodings(const page& from, int brotli_quality) {
  auto made = std::make_shared<page>(from);
  if (from.identity->body.size() < worth_it_from)
    return made;
  made->gzip = encoding(from, "gzip", page_parts::gzip(from.identity->body));
  made->brotli = encoding(from, "br", page_parts::brotli(from.identity->body, brotli_quality));
  return made;
}

namespace page_parts {

std::string gzip(std::string_view body) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16; // zlib's way to ask for the gzip format
  if (body.size() > UINT32_MAX || deflateInit2(&stream, 6, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  std::string out(deflateBound(&stream, static_cast<uLong>(body.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data())); // zlib only reads it
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return done && worth_it(out.size(), body.size()) ? out : std::string{};
}

std::string brotli(std::string_view body, int quality) {
  std::size_t size = BrotliEncoderMaxCompressedSize(body.size());
  std::string out(size, '\0');
  // A window of 256 KiB holds nearly every page whole and spares a megabyte of memory beside the default.
  constexpr int window_bits = 18;
  bool done = BrotliEncoderCompress(quality, window_bits, BROTLI_MODE_TEXT, body.size(),
                                    reinterpret_cast<const std::uint8_t*>(body.data()), &size,
                                    reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_TRUE;
  out.resize(done ? size : 0);
  return worth_it(out.size(), body.size()) ? out : std::string{};
}

} // namespace page_parts
} // namespace lyceum
