using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;

namespace Sync.MessagePack;

/// <summary>One pass over the MessagePack tokens, with a stack of its own. Strict as <see cref="MsgPackCheck"/>.</summary>
internal ref struct MsgPackToJson
{
    private struct Frame
    {
        public int Left; // elements, or keys and values, still to come
        public int Count; // of all
        public int Mark; // where the keys of this map start in the guard
        public int KeyStart; // the key whose value is read now, for paths
        public int KeyLength;
        public bool IsMap;

        public readonly bool IsAtKey => IsMap && (Left & 1) == 0;
    }

    private const ulong MantissaBits = 0xf_ffff_ffff_ffff;

    private readonly PooledBytes _output;
    private readonly Span<Frame> _frames;
    private MsgPackReader _reader;
    private KeyGuard _keys;
    private int _depth;
    private TranscodeError _error;

    private MsgPackToJson(MsgPackReader reader, PooledBytes output, Span<Frame> frames, KeyGuard keys)
    {
        _reader = reader;
        _output = output;
        _frames = frames;
        _keys = keys;
    }

    [SkipLocalsInit]
    public static bool TryConvert(ReadOnlySpan<byte> value, PooledBytes output, MsgPackLimits limits, out TranscodeError error)
    {
        Span<Frame> frames = stackalloc Frame[MsgPackReader.DepthMax];
        Span<MapKey> initial = stackalloc MapKey[KeyGuard.InitialCount];
        var converter = new MsgPackToJson(
            new MsgPackReader(value, limits.ItemsMax), output,
            frames[..Math.Clamp(limits.DepthMax, 0, frames.Length)], new KeyGuard(initial, limits.MapKeysMax));
        try
        {
            if (converter.TryItems()) converter._reader.TryEnd();
        }
        finally
        {
            converter._keys.Dispose();
        }
        error = converter._error;
        if (error.Fault == TranscodeFault.None && !converter._reader.Error.IsNone)
            error = new TranscodeError(TranscodeFault.Malformed, $"not MessagePack: {converter._reader.Error}");
        return error.Fault == TranscodeFault.None;
    }

    private bool TryItems()
    {
        do
        {
            var start = _reader.Offset;
            if (!_reader.TryReadToken(out var token)) return false;
            if (_depth > 0 && _frames[_depth - 1].IsAtKey)
            {
                if (!TryKey(token, start)) return false;
            }
            else if (!TryValue(token, start))
            {
                return false;
            }
            while (_depth > 0 && _frames[_depth - 1].Left == 0)
                if (!TryClose()) return false;
        }
        while (_depth > 0);
        return true;
    }

    private bool TryKey(in MsgPackToken token, int start)
    {
        ref var frame = ref _frames[_depth - 1];
        if (token.Type != MsgPackType.String) return Fail(TranscodeFault.NotJson, $"a map key of kind {token.Type}", start);
        if (frame.Left != frame.Count) _output.Add((byte)',');
        frame.Left--;
        (frame.KeyStart, frame.KeyLength) = (token.Start, token.Length);
        if (!_keys.TryAdd(MapKey.Of(token, _reader.Bytes))) return Fail(TranscodeFault.InvalidValue, "too many map keys", start);
        if (!TryText(token, start)) return false;
        _output.Add((byte)':');
        return true;
    }

    private bool TryValue(in MsgPackToken token, int start)
    {
        if (_depth > 0)
        {
            ref var frame = ref _frames[_depth - 1];
            if (!frame.IsMap && frame.Left != frame.Count) _output.Add((byte)',');
            frame.Left--;
        }
        switch (token.Type)
        {
            case MsgPackType.Nil: _output.Add("null"u8); return true;
            case MsgPackType.Boolean: _output.Add(token.Bits != 0 ? "true"u8 : "false"u8); return true;
            case MsgPackType.Integer: return TryInteger(token);
            case MsgPackType.Float: return TryFloat(BitConverter.UInt64BitsToDouble(token.Bits), start);
            case MsgPackType.String: return TryText(token, start);
            case MsgPackType.Array or MsgPackType.Map: return TryOpen(token, start);
            default: return Fail(TranscodeFault.NotJson, $"a value of kind {token.Type}", start);
        }
    }

    private bool TryOpen(in MsgPackToken token, int start)
    {
        if (_depth == _frames.Length) return Fail(TranscodeFault.InvalidValue, $"nested deeper than {_frames.Length}", start);
        var isMap = token.Type == MsgPackType.Map;
        var count = isMap ? token.Length * 2 : token.Length;
        _frames[_depth++] = new Frame { IsMap = isMap, Left = count, Count = count, Mark = _keys.Mark };
        _output.Add(isMap ? (byte)'{' : (byte)'[');
        return true;
    }

    private bool TryClose()
    {
        var frame = _frames[_depth - 1];
        if (frame.IsMap && !_keys.TryClose(frame.Mark, _reader.Bytes, out var duplicate))
            return Fail(TranscodeFault.InvalidValue, "duplicate map key", duplicate.Offset);
        _output.Add(frame.IsMap ? (byte)'}' : (byte)']');
        _depth--;
        return true;
    }

    private readonly bool TryInteger(in MsgPackToken token)
    {
        var room = _output.Reserve(20);
        int written;
        if (token.IsNegative) ((long)token.Bits).TryFormat(room, out written, default, CultureInfo.InvariantCulture);
        else token.Bits.TryFormat(room, out written, default, CultureInfo.InvariantCulture);
        _output.Advance(written);
        return true;
    }

    private bool TryFloat(double value, int start)
    {
        if (!double.IsFinite(value)) return Fail(TranscodeFault.NotJson, double.IsNaN(value) ? "NaN" : "an infinity", start);
        var room = _output.Reserve(40);
        value.TryFormat(room, out var written, "R", CultureInfo.InvariantCulture);
        // The runtime's shortest form of some powers of two reads back as their neighbour: 2^-25 is one.
        if ((BitConverter.DoubleToUInt64Bits(value) & MantissaBits) == 0
            && double.Parse(room[..written], CultureInfo.InvariantCulture) != value)
            value.TryFormat(room, out written, "G17", CultureInfo.InvariantCulture);
        // Without a fraction or an exponent it would read back as an integer.
        if (!room[..written].ContainsAny(".E"u8))
        {
            ".0"u8.CopyTo(room[written..]);
            written += 2;
        }
        _output.Advance(written);
        return true;
    }

    private bool TryText(in MsgPackToken token, int start)
    {
        var text = _reader.Bytes.Slice(token.Start, token.Length);
        if (!Utf8.IsValid(text)) return Fail(TranscodeFault.Malformed, "invalid UTF-8", start);
        JsonText.Write(_output, text);
        return true;
    }

    private bool Fail(TranscodeFault fault, string what, int offset)
    {
        if (_error.Fault == TranscodeFault.None)
            _error = new TranscodeError(fault, $"{what} at {Path()} (byte {offset})");
        return false;
    }

    private readonly string Path()
    {
        var path = new StringBuilder("$");
        foreach (var frame in _frames[.._depth])
        {
            if (!frame.IsMap) path.Append('[').Append(Math.Max(0, frame.Count - frame.Left - 1)).Append(']');
            else if (frame.KeyLength > 0 || frame.Left != frame.Count)
                path.Append('.').Append(Shown.Text(_reader.Bytes.Slice(frame.KeyStart, frame.KeyLength)));
        }
        return path.ToString();
    }
}
