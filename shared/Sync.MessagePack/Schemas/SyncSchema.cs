using System.Text.Json.Serialization.Metadata;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Makes schemas.</summary>
public static class SyncSchema
{
    /// <summary>Values as they are: any MessagePack value, unparsed. For consumers without types.</summary>
    public static SyncSchema<ReadOnlyMemory<byte>> Raw { get; } = new RawSchema { Share = false };

    /// <summary>The document gate: a map, or a sealed value (extension 100); anything else is refused. The value is its bytes.</summary>
    public static SyncSchema<ReadOnlyMemory<byte>> Document { get; } = new DocumentSchema();

    /// <summary>A model that <c>System.Text.Json</c> knows, best by a source-generated context.</summary>
    /// <typeparam name="T">The model; immutable when <paramref name="share"/> is on.</typeparam>
    /// <param name="typeInfo">Its metadata.</param>
    /// <param name="version">The version that readers expect and writers write.</param>
    /// <param name="share">One parsed instance for all replicas that use the schema.</param>
    /// <param name="allowNil">True: nil is a value of the model (null). False: nil is refused, also for reference types;
    /// nullable value types take it in any case.</param>
    public static SyncSchema<T> Json<T>(JsonTypeInfo<T> typeInfo, SchemaVersion version, bool share = true, bool allowNil = false) =>
        new JsonSchema<T>(typeInfo, allowNil) { Version = version, Share = share };
}
