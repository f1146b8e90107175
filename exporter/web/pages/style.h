/* SPDX-License-Identifier: Apache-2.0 */
/* The style sheet, the icon and the logo, all inline: pages load no other file. */
#pragma once

extern const char style_sheet[];
extern const char style_icon[]; /* a data: URL */
extern const char style_mark[]; /* <svg> */
