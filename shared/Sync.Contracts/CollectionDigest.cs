using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Sync.Contracts;

/// <summary>What two holders of a collection compare: equal positions and equal digests mean equal live records.</summary>
/// <param name="Count">Live records.</param>
/// <param name="Position">Position of the collection's last change; 0 = none. Digests compare only at equal positions.</param>
/// <param name="Digest">See <see cref="CollectionDigester"/>; of no records it is the hash of nothing.</param>
public sealed record CollectionDigest(long Count, Position Position, Hash256 Digest);

/// <summary>SHA-256 over the live records in the order of their keys' UTF-8 bytes (<see cref="Utf8Order"/>), of key, 0x00,
/// sequence as 8 bytes big-endian, SHA-256 of the value's MessagePack bytes (docs/PROTOCOL.md, HTTP). For one thread.</summary>
public sealed class CollectionDigester : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _count;

    /// <summary>Adds the next record.</summary>
    /// <param name="key">Behind all keys added before; valid (<see cref="Names.CheckKey"/>).</param>
    /// <param name="sequence">Its sequence.</param>
    /// <param name="valueHash">SHA-256 of its value's bytes.</param>
    public void Add(string key, Sequence sequence, Hash256 valueHash)
    {
        Span<byte> part = stackalloc byte[Names.KeyBytesMax + 1 + sizeof(long) + Hash256.Size];
        var length = Encoding.UTF8.GetBytes(key, part);
        part[length++] = 0;
        BinaryPrimitives.WriteInt64BigEndian(part[length..], sequence.Value);
        length += sizeof(long);
        valueHash.CopyTo(part[length..]);
        _hash.AppendData(part[..(length + Hash256.Size)]);
        _count++;
    }

    /// <summary>The digest of what was added; the digester is then empty again.</summary>
    /// <param name="position">Position of the collection's last change.</param>
    public CollectionDigest Finish(Position position)
    {
        Span<byte> digest = stackalloc byte[Hash256.Size];
        _hash.GetHashAndReset(digest);
        var count = _count;
        _count = 0;
        return new CollectionDigest(count, position, new Hash256(digest));
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
