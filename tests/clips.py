"""Small video files with one oddity each, made with PyAV."""

from fractions import Fraction

import av
import numpy as np


def plain(value: int, shape=(48, 64)) -> np.ndarray:
    return np.full((*shape, 3), value, dtype=np.uint8)


def encode(
    path,
    codec="libx264",
    fps=25,
    times=None,
    shape=(48, 64),
    tags=None,
    images=None,
    aspect=None,
    context=(),
    pix_fmt=None,
    options=None,
    sound_s=0.0,
) -> None:
    """Write pictures; by default 30 plain ones, each 8 levels brighter than the one before.

    `context` sets attributes of the encoder; `sound_s` seconds of silence go beside the pictures.
    """
    images = [plain(8 * i, shape) for i in range(30)] if images is None else images
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
        stream.codec_context.gop_size = 10
        for name, value in dict(context).items():
            setattr(stream.codec_context, name, value)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("aac", rate=8000, layout="mono") if sound_s else None
        for i, image in enumerate(images):
            source = "rgb48le" if image.dtype == np.uint16 else "rgb24"
            frame = av.VideoFrame.from_ndarray(image, format=source)
            frame.pts, frame.time_base = i, Fraction(1, fps)
            if times is not None:
                frame.pts, frame.time_base = round(1000 * times[i]), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            silence = np.zeros((1, round(8000 * sound_s)), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, "fltp", "mono")
            frame.sample_rate, frame.pts = 8000, 0
            container.mux(sound.encode(frame))
            container.mux(sound.encode())


def copied(source, out, from_s=0.0) -> None:
    """Cut without encoding anew, from the key frame before `from_s`, as ``ffmpeg -c copy`` does."""
    with av.open(str(source)) as origin, av.open(str(out), "w") as sink:
        template = origin.streams.video[0]
        copy = sink.add_stream_from_template(template)
        origin.seek(round(from_s / template.time_base), stream=template)
        shift = round(from_s / template.time_base)
        for packet in origin.demux(template):
            if packet.dts is not None:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = copy
                sink.mux(packet)
