#pragma warning disable CA1720 // The members are the format's own words.
namespace Sync.MessagePack;

/// <summary>The kinds of MessagePack values.</summary>
public enum MsgPackType : byte
{
    /// <summary>No byte is left.</summary>
    End,

    /// <summary>The byte 0xc1, which the format never uses.</summary>
    Invalid,

    /// <summary>nil.</summary>
    Nil,

    /// <summary>true or false.</summary>
    Boolean,

    /// <summary>An integer of at most 64 bits, signed or unsigned.</summary>
    Integer,

    /// <summary>A float of 32 or 64 bits.</summary>
    Float,

    /// <summary>UTF-8 text.</summary>
    String,

    /// <summary>Bytes.</summary>
    Binary,

    /// <summary>A list of values.</summary>
    Array,

    /// <summary>Pairs of key and value.</summary>
    Map,

    /// <summary>Bytes with a type number; -1 is the timestamp.</summary>
    Extension,
}
