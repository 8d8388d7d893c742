// SPDX-License-Identifier: Apache-2.0
#include "views/qr.hpp"

#include "views/escape.hpp"

#include <memory>
#include <qrencode.h>

namespace lyceum::views {
namespace {

constexpr std::size_t octets_max = 2000;
constexpr int quiet = 4;

/// The dark squares of each row as runs: "M5 4h3v1h-3z".
std::string runs_of(const QRcode& code) {
  std::string path;
  for (int y = 0; y < code.width; ++y)
    for (int x = 0; x < code.width; ++x) {
      const auto dark = [&](int at) { return at < code.width && (code.data[y * code.width + at] & 1) != 0; };
      int length = 0;
      while (dark(x + length))
        ++length;
      if (length == 0)
        continue;
      path += "M" + std::to_string(x + quiet) + " " + std::to_string(y + quiet) + "h" + std::to_string(length) +
              "v1h-" + std::to_string(length) + "z";
      x += length;
    }
  return path;
}

} // namespace

std::string qr_svg(std::string_view text, std::string_view label) {
  if (text.size() > octets_max)
    return {};
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0,
                        QR_ECLEVEL_M),
      QRcode_free);
  if (!code)
    return {};
  const auto side = std::to_string(code->width + 2 * quiet);
  return "<svg class=\"qr\" viewBox=\"0 0 " + side + " " + side +
         "\" role=\"img\" shape-rendering=\"crispEdges\" focusable=\"false\" aria-label=\"" + escaped(label) +
         "\"><path fill=\"#fff\" d=\"M0 0h" + side + "v" + side + "H0z\"/><path fill=\"#000\" d=\"" + runs_of(*code) +
         "\"/></svg>";
}

} // namespace lyceum::views
