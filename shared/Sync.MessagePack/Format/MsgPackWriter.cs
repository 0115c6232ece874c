using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Writes MessagePack in its shortest forms, to a span that is large enough or to a buffer writer. With a buffer
/// writer, <see cref="Flush"/> hands over what was written. Not thread-safe.</summary>
public ref struct MsgPackWriter
{
    private readonly IBufferWriter<byte>? _output;
    private Span<byte> _span;
    private int _at;

    /// <summary>Writes to a span.</summary>
    /// <param name="destination">Large enough: <see cref="MsgPackSize"/> computes it.</param>
    public MsgPackWriter(Span<byte> destination) => _span = destination;

    /// <summary>Writes to a buffer writer.</summary>
    /// <param name="destination">Receives the bytes at <see cref="Flush"/> or earlier.</param>
    public MsgPackWriter(IBufferWriter<byte> destination) => _output = destination;

    /// <summary>Bytes written since the start, or since the last time a buffer writer took them.</summary>
    public readonly int Pending => _at;

    /// <summary>Hands everything to the buffer writer; without one it does nothing.</summary>
    public void Flush()
    {
        if (_output is null || _at == 0) return;
        _output.Advance(_at);
        _span = default;
        _at = 0;
    }

    /// <summary>Writes nil.</summary>
    public void WriteNil() => Take(1)[0] = 0xc0;

    /// <summary>Writes true or false.</summary>
    public void WriteBoolean(bool value) => Take(1)[0] = value ? (byte)0xc3 : (byte)0xc2;

    /// <summary>Writes an integer.</summary>
    public void WriteInteger(long value)
    {
        if (value >= 0)
        {
            WriteInteger((ulong)value);
            return;
        }
        var size = MsgPackSize.OfInteger(value);
        var bytes = Take(size);
        switch (size)
        {
            case 1: bytes[0] = (byte)value; break;
            case 2: (bytes[0], bytes[1]) = (0xd0, (byte)value); break;
            case 3: bytes[0] = 0xd1; BinaryPrimitives.WriteInt16BigEndian(bytes[1..], (short)value); break;
            case 5: bytes[0] = 0xd2; BinaryPrimitives.WriteInt32BigEndian(bytes[1..], (int)value); break;
            default: bytes[0] = 0xd3; BinaryPrimitives.WriteInt64BigEndian(bytes[1..], value); break;
        }
    }

    /// <summary>Writes an integer that is not negative.</summary>
    public void WriteInteger(ulong value)
    {
        var size = MsgPackSize.OfInteger(value);
        var bytes = Take(size);
        switch (size)
        {
            case 1: bytes[0] = (byte)value; break;
            case 2: (bytes[0], bytes[1]) = (0xcc, (byte)value); break;
            case 3: bytes[0] = 0xcd; BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], (ushort)value); break;
            case 5: bytes[0] = 0xce; BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], (uint)value); break;
            default: bytes[0] = 0xcf; BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], value); break;
        }
    }

    /// <summary>Writes a float of 64 bits.</summary>
    public void WriteDouble(double value)
    {
        var bytes = Take(9);
        bytes[0] = 0xcb;
        BinaryPrimitives.WriteDoubleBigEndian(bytes[1..], value);
    }

    /// <summary>Writes a float of 32 bits.</summary>
    public void WriteSingle(float value)
    {
        var bytes = Take(5);
        bytes[0] = 0xca;
        BinaryPrimitives.WriteSingleBigEndian(bytes[1..], value);
    }

    /// <summary>Writes text; a lone surrogate becomes U+FFFD.</summary>
    public void WriteString(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        WriteStringHeader(length);
        Encoding.UTF8.GetBytes(value, Take(length));
    }

    /// <summary>Writes text that is UTF-8 already.</summary>
    /// <param name="utf8">Valid UTF-8; not checked.</param>
    public void WriteString(ReadOnlySpan<byte> utf8)
    {
        WriteStringHeader(utf8.Length);
        utf8.CopyTo(Take(utf8.Length));
    }

    /// <summary>Writes text, or nil for null.</summary>
    public void WriteStringOrNil(string? value)
    {
        if (value is null) WriteNil();
        else WriteString(value);
    }

    /// <summary>Writes bytes.</summary>
    public void WriteBinary(ReadOnlySpan<byte> value)
    {
        switch (value.Length)
        {
            case <= byte.MaxValue: Header8(0xc4, value.Length); break;
            case <= ushort.MaxValue: Header16(0xc5, value.Length); break;
            default: Header32(0xc6, value.Length); break;
        }
        value.CopyTo(Take(value.Length));
    }

    /// <summary>Writes a hash as 32 bytes.</summary>
    public void WriteHash(Hash256 value)
    {
        Header8(0xc4, Hash256.Size);
        value.CopyTo(Take(Hash256.Size));
    }

    /// <summary>Writes a fact id as 16 bytes.</summary>
    public void WriteFactId(FactId value)
    {
        Header8(0xc4, FactId.Size);
        value.CopyTo(Take(FactId.Size));
    }

    /// <summary>Starts an array; exactly so many values must follow.</summary>
    public void WriteArrayHeader(int count)
    {
        switch (count)
        {
            case <= 15: Take(1)[0] = (byte)(0x90 | count); break;
            case <= ushort.MaxValue: Header16(0xdc, count); break;
            default: Header32(0xdd, count); break;
        }
    }

    /// <summary>Starts a map; exactly so many pairs of key and value must follow.</summary>
    public void WriteMapHeader(int count)
    {
        switch (count)
        {
            case <= 15: Take(1)[0] = (byte)(0x80 | count); break;
            case <= ushort.MaxValue: Header16(0xde, count); break;
            default: Header32(0xdf, count); break;
        }
    }

    /// <summary>Writes an extension.</summary>
    public void WriteExtension(sbyte type, ReadOnlySpan<byte> value)
    {
        ExtensionHeader(type, value.Length);
        value.CopyTo(Take(value.Length));
    }

    /// <summary>Writes a timestamp in the shortest of its three forms.</summary>
    public void WriteTimestamp(Timestamp value)
    {
        var size = MsgPackTime.PayloadSize(value);
        ExtensionHeader(MsgPackTime.ExtensionType, size);
        MsgPackTime.Write(value, Take(size));
    }

    /// <summary>Writes bytes that are MessagePack already.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    private void WriteStringHeader(int length)
    {
        switch (length)
        {
            case <= 31: Take(1)[0] = (byte)(0xa0 | length); break;
            case <= byte.MaxValue: Header8(0xd9, length); break;
            case <= ushort.MaxValue: Header16(0xda, length); break;
            default: Header32(0xdb, length); break;
        }
    }

    private void ExtensionHeader(sbyte type, int length)
    {
        switch (length)
        {
            case 1 or 2 or 4 or 8 or 16: Take(1)[0] = (byte)(0xd4 + int.Log2(length)); break;
            case <= byte.MaxValue: Header8(0xc7, length); break;
            case <= ushort.MaxValue: Header16(0xc8, length); break;
            default: Header32(0xc9, length); break;
        }
        Take(1)[0] = (byte)type;
    }

    private void Header8(byte form, int length)
    {
        var bytes = Take(2);
        (bytes[0], bytes[1]) = (form, (byte)length);
    }

    private void Header16(byte form, int length)
    {
        var bytes = Take(3);
        bytes[0] = form;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], (ushort)length);
    }

    private void Header32(byte form, int length)
    {
        var bytes = Take(5);
        bytes[0] = form;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], (uint)length);
    }

    private Span<byte> Take(int count)
    {
        if (count > _span.Length - _at) More(count);
        var taken = _span.Slice(_at, count);
        _at += count;
        return taken;
    }

    private void More(int count)
    {
        if (_output is null) throw new InvalidOperationException($"The span has {_span.Length} bytes; {_at + count} are needed.");
        Flush();
        _span = _output.GetSpan(Math.Max(count, 256));
    }
}
