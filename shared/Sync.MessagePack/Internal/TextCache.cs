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

    /// <summary>The text of valid UTF-8.</summary>
    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length is 0 or > BytesMax) return Encoding.UTF8.GetString(utf8);
        ref var slot = ref _slots[Slot(utf8)];
        var kept = Volatile.Read(ref slot);
        if (kept is not null && Equal(utf8, kept)) return kept;
        var text = Encoding.UTF8.GetString(utf8);
        Volatile.Write(ref slot, text);
        return text;
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
        var hash = (uint)utf8.Length * 2654435761;
        foreach (var value in utf8) hash = (hash ^ value) * 16777619;
        return (int)((hash ^ hash >> 15) & (SlotCount - 1));
    }
}
