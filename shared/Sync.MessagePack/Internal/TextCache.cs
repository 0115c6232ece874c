using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Sync.MessagePack;

/// <summary>Gives the same string for the same short UTF-8 bytes again and again, in bounded memory: a table of slots in which
/// a new text replaces what was in its slot. Safe from any thread: a slot is one reference to an immutable string, written
/// and read whole, and every hit compares all bytes; a race or hostile input costs a miss, never a wrong text.</summary>
internal sealed class TextCache
{
    /// <summary>Longer texts are never kept.</summary>
    public const int BytesMax = 128;

    private const int SlotCount = 1024;
    private readonly string?[] _slots = new string?[SlotCount];

    /// <summary>The text of some bytes; false when they are not UTF-8. (What equals a text is; only the rest is looked through.)</summary>
    public bool TryGet(ReadOnlySpan<byte> utf8, out string text)
    {
        ref var slot = ref _slots[Slot(utf8)];
        if (Volatile.Read(ref slot) is { } kept && Equal(utf8, kept))
        {
            text = kept;
            return true;
        }
        if (!TryMake(utf8, out text)) return false;
        if (utf8.Length is > 0 and <= BytesMax) Volatile.Write(ref slot, text);
        return true;
    }

    /// <summary>A new text of some bytes; false when they are not UTF-8.</summary>
    public static bool TryMake(ReadOnlySpan<byte> utf8, out string text)
    {
        var isValid = Utf8.IsValid(utf8);
        text = isValid ? Encoding.UTF8.GetString(utf8) : "";
        return isValid;
    }

    /// <summary>True when the bytes are the UTF-8 of the text.</summary>
    public static bool Equal(ReadOnlySpan<byte> utf8, string text)
    {
        // UTF-8 is as long as UTF-16 only when all is ASCII, and never more than three times as long.
        if (utf8.Length == text.Length) return Ascii.Equals(utf8, text);
        if (utf8.Length < text.Length || utf8.Length > text.Length * 3) return false;
        Span<char> chars = stackalloc char[256];
        for (var rest = text.AsSpan(); ;)
        {
            // Replacement is off: what is not UTF-8 equals nothing. Full or not, what was converted must agree.
            _ = Utf8.ToUtf16(utf8, chars, out var read, out var written, replaceInvalidSequences: false);
            if (written == 0) return utf8.IsEmpty && rest.IsEmpty;
            if (!rest.StartsWith(chars[..written])) return false;
            utf8 = utf8[read..];
            rest = rest[written..];
        }
    }

    private static int Slot(ReadOnlySpan<byte> utf8)
    {
        // Two overlapping words and the length tell the texts of one system apart; those they do not share a slot.
        ulong first = 0, last = 0;
        if (utf8.Length >= sizeof(ulong))
        {
            first = BinaryPrimitives.ReadUInt64LittleEndian(utf8);
            last = BinaryPrimitives.ReadUInt64LittleEndian(utf8[^sizeof(ulong)..]);
        }
        else
        {
            foreach (var value in utf8) first = first << 8 | value;
        }
        var hash = (first ^ ulong.RotateLeft(last, 31) ^ (ulong)utf8.Length) * 0x9E37_79B9_7F4A_7C15;
        return (int)(hash >> 54);
    }
}
