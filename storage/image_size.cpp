// SPDX-License-Identifier: Apache-2.0
#include "storage/image_size.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace lyceum::storage {
namespace {

constexpr std::size_t head_bytes_max = 64 * 1024;
constexpr std::size_t first_bytes = 512; ///< enough for all but SVG and JPEG
constexpr int segments_max = 200;
constexpr long side_max = 65535;

class picture {
public:
  explicit picture(const std::string& file) : open_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~picture() {
    if (open_ >= 0)
      ::close(open_);
  }
  picture(const picture&) = delete;
  picture& operator=(const picture&) = delete;

  /// Up to `most` bytes from `at`; fewer at the file's end.
  std::string read(std::size_t most, std::size_t at) const {
    std::string bytes(most, '\0');
    std::size_t size = 0;
    while (open_ >= 0 && size < most) {
      const auto n = ::pread(open_, bytes.data() + size, most - size, static_cast<off_t>(at + size));
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      size += static_cast<std::size_t>(n);
    }
    bytes.resize(size);
    return bytes;
  }

private:
  int open_;
};

/// A number of `count` bytes at `at`; -1 beyond the end.
long number(std::string_view bytes, std::size_t at, std::size_t count, bool little = false) {
  if (at + count > bytes.size())
    return -1;
  long value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value * 256 + static_cast<unsigned char>(bytes[little ? at + count - 1 - i : at + i]);
  return value;
}

image_size sized(long width, long height) {
  if (width < 1 || height < 1 || width > side_max || height > side_max)
    return {};
  return {static_cast<int>(width), static_cast<int>(height)};
}

image_size of_webp(std::string_view head) {
  const auto kind = head.substr(std::min<std::size_t>(12, head.size()), 4);
  if (kind == "VP8X")
    return sized(number(head, 24, 3, true) + 1, number(head, 27, 3, true) + 1);
  if (kind == "VP8L") {
    const long bits = number(head, 21, 4, true);
    return bits < 0 ? image_size{} : sized((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1);
  }
  if (kind == "VP8 ")
    return sized(number(head, 26, 2, true) & 0x3FFF, number(head, 28, 2, true) & 0x3FFF);
  return {};
}

/// Segment by segment to the frame's head: what cameras and editors write before it may be long.
image_size of_jpeg(const picture& from) {
  std::size_t at = 2;
  for (int i = 0; i < segments_max; ++i) {
    const std::string segment = from.read(9, at);
    const long marker = number(segment, 1, 1), length = number(segment, 2, 2);
    if (length < 2 || segment[0] != '\xFF')
      return {};
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame)
      return sized(number(segment, 7, 2), number(segment, 5, 2));
    at += 2 + static_cast<std::size_t>(length);
  }
  return {};
}

/// The value of an attribute of the tag that is `tag`; empty where it has none.
std::string_view attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    if (at == 0 || std::string_view(" \t\r\n").find(tag[at - 1]) == std::string_view::npos)
      continue;
    auto rest = tag.substr(at + name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    if (!rest.starts_with('='))
      continue;
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\''))
      return {};
    const auto end = rest.find(rest[0], 1);
    return end == std::string_view::npos ? std::string_view{} : rest.substr(1, end - 1);
  }
  return {};
}

/// "640", "640px", "12.5": rounded. -1 for lengths in other units and what is no number.
long pixels(std::string_view text) {
  double value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (wrong != std::errc() || (!unit.empty() && unit != "px") || !(value > 0) || value > side_max)
    return -1;
  return std::lround(value);
}

image_size of_svg(std::string_view head) {
  const auto from = head.find("<svg");
  if (from == std::string_view::npos)
    return {};
  const auto tag = head.substr(from, head.find('>', from) - from);
  if (const auto size = sized(pixels(attribute(tag, "width")), pixels(attribute(tag, "height"))); size.width > 0)
    return size;
  std::string_view box = attribute(tag, "viewBox");
  std::array<long, 4> sides{};
  for (auto& side : sides) {
    box.remove_prefix(std::min(box.find_first_not_of(" ,\t\r\n"), box.size()));
    const auto word = box.substr(0, box.find_first_of(" ,\t\r\n"));
    side = pixels(word);
    box.remove_prefix(word.size());
  }
  return sized(sides[2], sides[3]);
}

} // namespace

image_size image_size_of(const std::string& file) {
  const picture from(file);
  const std::string head = from.read(first_bytes, 0);
  const std::string_view bytes = head;
  if (bytes.starts_with("\x89PNG\r\n\x1A\n"))
    return sized(number(bytes, 16, 4), number(bytes, 20, 4));
  if (bytes.starts_with("GIF8"))
    return sized(number(bytes, 6, 2, true), number(bytes, 8, 2, true));
  if (bytes.starts_with("\xFF\xD8\xFF"))
    return of_jpeg(from);
  if (bytes.starts_with("RIFF") && bytes.substr(8).starts_with("WEBP"))
    return of_webp(bytes);
  if (bytes.substr(std::min<std::size_t>(4, bytes.size())).starts_with("ftypavi")) {
    // The box "ispe" states the size: 4 bytes of version and flags, then width and height.
    const std::string all = from.read(head_bytes_max, 0);
    const auto at = all.find("ispe");
    return at == std::string::npos ? image_size{} : sized(number(all, at + 8, 4), number(all, at + 12, 4));
  }
  if (file.ends_with(".svg"))
    return of_svg(from.read(head_bytes_max, 0));
  return {};
}

} // namespace lyceum::storage
