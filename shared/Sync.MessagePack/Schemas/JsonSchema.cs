using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Reads and writes a model by way of JSON in pooled memory.</summary>
internal sealed class JsonSchema<T>(JsonTypeInfo<T> typeInfo, bool allowNil) : SyncSchema<T>
{
    private readonly bool _allowNil = allowNil || Nullable.GetUnderlyingType(typeof(T)) is not null;

    public override ParseResult<T> Parse(ReadOnlyMemory<byte> value)
    {
        using var json = PooledBytes.Rent(value.Length * 2 + 16);
        if (!MsgPackToJson.TryConvert(value.Span, json, MsgPackLimits.Default, out var error))
            return ParseResult<T>.Err(error.Message!);
        try
        {
            var model = JsonSerializer.Deserialize(json.Written, typeInfo);
            return model is null && !_allowNil
                ? ParseResult<T>.Err($"nil at $ is no {typeof(T).Name}")
                : ParseResult<T>.Ok(model!);
        }
        catch (JsonException wrong)
        {
            return ParseResult<T>.Err($"no {typeof(T).Name} at {wrong.Path ?? "$"}");
        }
        catch (Exception wrong)
        {
            // A model's own constructor or setter said no: that is a verdict on the value, not a fault of the reader.
            return ParseResult<T>.Err($"no {typeof(T).Name}: {wrong.Message}");
        }
    }

    public override void Write(T value, IBufferWriter<byte> destination)
    {
        using var json = PooledBytes.Rent(1024);
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { SkipValidation = true }))
            JsonSerializer.Serialize(writer, value, typeInfo);
        if (!JsonTranscoder.TryToMsgPack(json.Written, destination, out var error))
            throw new SyncException(SyncErrorCode.Invalid, $"{typeof(T).Name} cannot be written: {error.Message}");
    }
}
