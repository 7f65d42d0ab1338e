"""Papers by camera, flat-bed scanner or phone, and the code of an ID card; knows no screen."""
