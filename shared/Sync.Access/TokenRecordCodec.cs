using System.Buffers;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Access;

/// <summary>A token's record as the value of its fact: a MessagePack map (docs/PROTOCOL.md, Tokens).</summary>
public static class TokenRecordCodec
{
    private const int Fields = 8;

    /// <summary>Writes a record.</summary>
    public static ReadOnlyMemory<byte> Encode(TokenRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var buffer = new ArrayBufferWriter<byte>(512);
        var writer = new MsgPackWriter(buffer);
        writer.WriteMapHeader(Fields);
        writer.WriteString("id"u8);
        writer.WriteString(record.Id);
        writer.WriteString("hash"u8);
        // As hexadecimal text: the record can then be read as JSON too.
        writer.WriteString(record.Hash.ToString());
        writer.WriteString("label"u8);
        writer.WriteString(record.Label);
        writer.WriteString("scopes"u8);
        writer.WriteArrayHeader(record.Scopes.Count);
        foreach (var scope in record.Scopes) writer.WriteString(scope.ToString());
        writer.WriteString("purpose"u8);
        writer.WriteStringOrNil(record.Purpose);
        writer.WriteString("created"u8);
        writer.WriteInteger(record.Created.UnixMicroseconds);
        writer.WriteString("expires"u8);
        writer.WriteInteger(record.Expires.UnixMicroseconds);
        writer.WriteString("revoked"u8);
        if (record.Revoked is { } revoked) writer.WriteInteger(revoked.UnixMicroseconds);
        else writer.WriteNil();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>Reads a record; strict, but for fields that are not known here. Never throws for bad input.</summary>
    public static ParseResult<TokenRecord> Decode(ReadOnlySpan<byte> value)
    {
        var reader = new MsgPackReader(value);
        var draft = new Draft();
        if (reader.TryReadMapHeader(out var count))
            for (var field = 0; field < count && draft.TryRead(ref reader); field++) { }
        if (draft.Wrong is { } wrong) return ParseResult<TokenRecord>.Err(wrong);
        return reader.TryEnd() ? draft.Finish() : ParseResult<TokenRecord>.Err($"a token's record: {reader.Error}");
    }

    private struct Draft
    {
        private string? _id, _hash, _label, _purpose;
        private long? _created, _expires, _revoked;
        private List<AccessScope>? _scopes;

        public string? Wrong { get; private set; }

        public bool TryRead(ref MsgPackReader reader)
        {
            if (!reader.TryReadString(out var name)) return false;
            if (name is "purpose" or "revoked" && reader.TrySkipNil()) return true;
            return name switch
            {
                "id" => TryText(ref reader, ref _id),
                "hash" => TryText(ref reader, ref _hash),
                "label" => TryText(ref reader, ref _label),
                "purpose" => TryText(ref reader, ref _purpose),
                "created" => TryTime(ref reader, ref _created),
                "expires" => TryTime(ref reader, ref _expires),
                "revoked" => TryTime(ref reader, ref _revoked),
                "scopes" => TryScopes(ref reader),
                _ => reader.TrySkip(),
            };
        }

        public readonly ParseResult<TokenRecord> Finish()
        {
            if (_id is null || _label is null || _scopes is null || _created is null || _expires is null
                || _hash is not { Length: 2 * Hash256.Size } || !_hash.All(char.IsAsciiHexDigitLower))
                return ParseResult<TokenRecord>.Err("a token's record lacks a field, or its hash is not one");
            var record = new TokenRecord
            {
                Id = _id,
                Hash = new Hash256(Convert.FromHexString(_hash)),
                Label = _label,
                Scopes = _scopes,
                Purpose = _purpose,
                Created = new Timestamp(_created.Value),
                Expires = new Timestamp(_expires.Value),
                Revoked = _revoked is { } revoked ? new Timestamp(revoked) : null,
            };
            return record.Check() is { } wrong ? ParseResult<TokenRecord>.Err(wrong) : ParseResult<TokenRecord>.Ok(record);
        }

        private bool TryScopes(ref MsgPackReader reader)
        {
            if (_scopes is not null) return Twice();
            if (!reader.TryReadArrayHeader(out var count)) return false;
            _scopes = [];
            for (var index = 0; index < count; index++)
            {
                if (!reader.TryReadString(out var text)) return false;
                var scope = AccessScope.Parse(text);
                if (!scope.IsOk || _scopes.Count == TokenRecord.ScopesMax)
                {
                    Wrong = scope.Error ?? "a token's record has too many scopes";
                    return false;
                }
                _scopes.Add(scope.Value);
            }
            return true;
        }

        private bool TryText(ref MsgPackReader reader, ref string? field)
        {
            if (field is not null) return Twice();
            if (!reader.TryReadString(out var text)) return false;
            field = text;
            return true;
        }

        private bool TryTime(ref MsgPackReader reader, ref long? field)
        {
            if (field is not null) return Twice();
            if (!reader.TryReadInt64(out var time)) return false;
            field = time;
            return true;
        }

        private bool Twice()
        {
            Wrong = "a token's record has a field twice";
            return false;
        }
    }
}
