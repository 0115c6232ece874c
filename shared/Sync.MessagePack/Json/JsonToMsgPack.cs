using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Sync.MessagePack;

/// <summary>One pass over the JSON tokens. A container's header gets one byte; when it is closed and turns out to need three
/// or five, its body moves (at most once per level of nesting, so the cost is bounded by depth times size).</summary>
internal ref struct JsonToMsgPack
{
    private struct Frame
    {
        public int Header; // offset of the header byte in the output
        public int Count; // elements or pairs so far
        public int Mark; // where the keys of this map start in the guard
        public bool IsMap;
    }

    private readonly PooledBytes _output;
    private readonly Span<Frame> _frames;
    private KeyGuard _keys;
    private int _depth;
    private int _items;
    private TranscodeError _error;

    private JsonToMsgPack(PooledBytes output, Span<Frame> frames, KeyGuard keys, int itemsMax)
    {
        _output = output;
        _frames = frames;
        _keys = keys;
        _items = itemsMax;
    }

    [SkipLocalsInit]
    public static bool TryConvert(ReadOnlySpan<byte> json, PooledBytes output, MsgPackLimits limits, out TranscodeError error)
    {
        Span<Frame> frames = stackalloc Frame[MsgPackReader.DepthMax];
        Span<MapKey> initial = stackalloc MapKey[KeyGuard.InitialCount];
        var depthMax = Math.Clamp(limits.DepthMax, 1, frames.Length);
        var converter = new JsonToMsgPack(
            output, frames[..depthMax], new KeyGuard(initial, limits.MapKeysMax), limits.ItemsMax);
        scoped var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = depthMax + 1 });
        try
        {
            while (reader.Read())
                if (!converter.TryToken(ref reader)) break;
        }
        catch (JsonException broken)
        {
            converter.Fail(TranscodeFault.Malformed, $"not JSON: line {broken.LineNumber + 1}, byte {broken.BytePositionInLine}");
        }
        finally
        {
            converter._keys.Dispose();
        }
        error = converter._error;
        return error.Fault == TranscodeFault.None;
    }

    private bool TryToken(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject: return TryOpen(ref reader, isMap: true);
            case JsonTokenType.StartArray: return TryOpen(ref reader, isMap: false);
            case JsonTokenType.EndObject or JsonTokenType.EndArray: return TryClose();
            case JsonTokenType.PropertyName: return TryCount(ref reader) && TryKey(ref reader);
            case JsonTokenType.String: return TryValue(ref reader) && TryString(ref reader, out _, out _);
            case JsonTokenType.Number: return TryValue(ref reader) && TryNumber(ref reader);
            default: return TryValue(ref reader) && TryLiteral(reader.TokenType);
        }
    }

    private bool TryLiteral(JsonTokenType type)
    {
        _output.Add(type switch
        {
            JsonTokenType.True => (byte)0xc3,
            JsonTokenType.False => (byte)0xc2,
            _ => (byte)0xc0,
        });
        return true;
    }

    private bool TryOpen(ref Utf8JsonReader reader, bool isMap)
    {
        if (!TryValue(ref reader)) return false;
        if (_depth == _frames.Length)
            return Fail(TranscodeFault.InvalidValue, $"nested deeper than {_frames.Length} at byte {reader.TokenStartIndex}");
        _frames[_depth++] = new Frame { Header = _output.Count, IsMap = isMap, Mark = _keys.Mark };
        _output.Add(0);
        return true;
    }

    private bool TryClose()
    {
        var frame = _frames[--_depth];
        if (frame.IsMap && !_keys.TryClose(frame.Mark, _output.Written, out var duplicate))
            return Fail(TranscodeFault.InvalidValue, $"duplicate key {Shown.Key(duplicate.Content(_output.Written))}");
        switch (frame.Count)
        {
            case <= 15:
                _output.At(frame.Header)[0] = (byte)((frame.IsMap ? 0x80 : 0x90) | frame.Count);
                break;
            case <= ushort.MaxValue:
                _output.Open(frame.Header, 2);
                _output.At(frame.Header)[0] = frame.IsMap ? (byte)0xde : (byte)0xdc;
                BinaryPrimitives.WriteUInt16BigEndian(_output.At(frame.Header + 1), (ushort)frame.Count);
                break;
            default:
                _output.Open(frame.Header, 4);
                _output.At(frame.Header)[0] = frame.IsMap ? (byte)0xdf : (byte)0xdd;
                BinaryPrimitives.WriteUInt32BigEndian(_output.At(frame.Header + 1), (uint)frame.Count);
                break;
        }
        return true;
    }

    // A value that is an element of an array counts for it; one behind a key was counted with the key.
    private bool TryValue(ref Utf8JsonReader reader) =>
        _depth == 0 || !_frames[_depth - 1].IsMap ? TryCount(ref reader) : TryItem(ref reader);

    private bool TryCount(ref Utf8JsonReader reader)
    {
        if (_depth == 0) return true;
        _frames[_depth - 1].Count++;
        return TryItem(ref reader);
    }

    private bool TryItem(ref Utf8JsonReader reader) =>
        _items-- > 0 || Fail(TranscodeFault.InvalidValue, $"too many items at byte {reader.TokenStartIndex}");

    private bool TryKey(ref Utf8JsonReader reader)
    {
        if (!TryString(ref reader, out var offset, out var length)) return false;
        return _keys.TryAdd(MapKey.OfString(_output.Written, offset, length))
            || Fail(TranscodeFault.InvalidValue, $"too many keys at byte {reader.TokenStartIndex}");
    }

    private bool TryString(ref Utf8JsonReader reader, out int offset, out int length)
    {
        const int headerMax = 5;
        (offset, length) = (0, 0);
        var text = reader.ValueSpan;
        if (!Utf8.IsValid(text))
            return Fail(TranscodeFault.Malformed, $"invalid UTF-8 in the string at byte {reader.TokenStartIndex}");
        if (reader.ValueIsEscaped)
        {
            // Unescaping only shortens: it fits behind the largest header and moves up to its own.
            var room = _output.Reserve(headerMax + text.Length);
            if (!TryUnescape(ref reader, room[headerMax..], out length))
                return Fail(TranscodeFault.Malformed, $"a lone surrogate in the string at byte {reader.TokenStartIndex}");
            var header = StringHeader(room, length);
            room.Slice(headerMax, length).CopyTo(room[header..]);
            offset = _output.Count + header;
            _output.Advance(header + length);
            return true;
        }
        var direct = _output.Reserve(headerMax + text.Length);
        length = text.Length;
        var size = StringHeader(direct, length);
        text.CopyTo(direct[size..]);
        offset = _output.Count + size;
        _output.Advance(size + length);
        return true;
    }

    private static bool TryUnescape(ref Utf8JsonReader reader, Span<byte> room, out int length)
    {
        try
        {
            length = reader.CopyString(room);
            return true;
        }
        catch (InvalidOperationException)
        {
            length = 0; // The reader's only way to say that an escape is half of a surrogate pair.
            return false;
        }
    }

    private static int StringHeader(Span<byte> room, int length)
    {
        switch (length)
        {
            case <= 31:
                room[0] = (byte)(0xa0 | length);
                return 1;
            case <= byte.MaxValue:
                room[0] = 0xd9;
                room[1] = (byte)length;
                return 2;
            case <= ushort.MaxValue:
                room[0] = 0xda;
                BinaryPrimitives.WriteUInt16BigEndian(room[1..], (ushort)length);
                return 3;
            default:
                room[0] = 0xdb;
                BinaryPrimitives.WriteUInt32BigEndian(room[1..], (uint)length);
                return 5;
        }
    }

    private bool TryNumber(ref Utf8JsonReader reader)
    {
        var text = reader.ValueSpan;
        var writer = new MsgPackWriter(_output.Reserve(9));
        if (!text.ContainsAny(".eE"u8))
        {
            // A minus zero without a fraction is the integer 0: there is only one.
            if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var signed))
                writer.WriteInteger(signed);
            else if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var unsigned))
                writer.WriteInteger(unsigned);
        }
        if (writer.Pending == 0)
        {
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
                return Fail(TranscodeFault.InvalidValue, $"the number {Shown.Text(text)} fits neither 64 bits nor a float 64");
            writer.WriteDouble(number);
        }
        _output.Advance(writer.Pending);
        return true;
    }

    private bool Fail(TranscodeFault fault, string message)
    {
        if (_error.Fault == TranscodeFault.None) _error = new TranscodeError(fault, message);
        return false;
    }
}
